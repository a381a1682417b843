"""What `make mutants` needs: a pytest plugin, and the score.

As a plugin, it asks the quickest tests first, stops hypothesis at the first example that shows a mutant,
however large, and has it draw the same examples each time. As a program, it prints how many mutants of each
module the tests have killed.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

# What mutmut keeps: pytest failed, or broke down over the mutant.
_KILLED = (1, 3)
_SURVIVED, _NO_TESTS = 0, 33


def pytest_configure() -> None:
    from hypothesis import Phase, settings

    settings.register_profile(
        "mutants", phases=(Phase.explicit, Phase.generate), database=None, deadline=None, derandomize=True
    )
    settings.load_profile("mutants")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    file = Path("mutmut-stats.json")
    took = json.loads(file.read_text(encoding="utf-8"))["duration_by_test"] if file.is_file() else {}
    # the small catalogue is made by training, which no duration of a test tells
    items.sort(key=lambda item: ("small" in getattr(item, "fixturenames", ()), took.get(item.nodeid, 0.0)))


def _outcomes(file: Path) -> Counter[str]:
    names = dict.fromkeys(_KILLED, "killed") | {_SURVIVED: "survived", _NO_TESTS: "no tests"}
    codes = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"].values()
    return Counter(names.get(code, "not run" if code is None else "timeout or crash") for code in codes)


def main() -> None:
    """Print a line a module, and one for all."""
    folder = Path("mutants")
    found = {
        str(file.relative_to(folder).with_suffix("")): _outcomes(file) for file in folder.rglob("*.py.meta")
    }
    found = {name: found[name] for name in sorted(found) if found[name]}
    found["all"] = sum(found.values(), Counter())
    for name, outcomes in found.items():
        share = outcomes["killed"] / max(outcomes.total(), 1)
        rest = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()) if what != "killed")
        print(f"{name:32} {share:6.1%} of {outcomes.total():5,} killed{f'; {rest}' if rest else ''}")


if __name__ == "__main__":
    main()
