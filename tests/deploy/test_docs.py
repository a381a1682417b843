"""The page on deploying names values, targets, files and objects that there are."""

from __future__ import annotations

import re

import yaml

from tests.deploy.chart import ROOT, render
from tests.deploy.matrix import MATRIX

PAGE = (ROOT / "docs" / "DEPLOY.md").read_text(encoding="utf-8")
VALUES = yaml.safe_load((ROOT / "helm/segue/values.yaml").read_text(encoding="utf-8"))


def has(path: str) -> bool:
    place = VALUES
    for part in path.split("."):
        if not isinstance(place, dict) or part not in place:
            # settings of a process are its own, and tested beside the process
            return path.split(".")[1:2] == ["settings"]
        place = place[part]
    return True


def test_it_names_values_that_there_are() -> None:
    tops = "|".join(VALUES)
    named = set(re.findall(rf"[`\s]((?:{tops})\.[A-Za-z.]+?)(?:=|`)", PAGE))
    assert len(named) > 20
    assert [path for path in sorted(named) if not has(path)] == []


def test_it_names_objects_that_appear() -> None:
    rendered = render(MATRIX["trained"])
    there = {f"{m['kind']}/{m['metadata']['name']}" for m in rendered}
    for name in re.findall(r"`([A-Z]\w+/segue[\w-]*)(?:…)?`", PAGE):
        assert any(key.startswith(name) for key in there), name


def test_it_names_targets_and_files_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", PAGE)) <= targets
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    for path in re.findall(r"`((?:manifests|scripts|helm)/[\w./-]+)", PAGE):
        assert (ROOT / path).exists(), path


def test_it_tells_after_an_install_what_to_watch() -> None:
    import helm_python

    from tests.deploy.chart import CHART, MINIMAL, deep_merge

    for values, told in (({}, "nothing is trained here"), (MATRIX["single user"], "component=training")):
        files = helm_python.Chart.load(str(CHART)).render(
            deep_merge(MINIMAL, values), name="segue", namespace="jazz"
        )
        (notes,) = (text for path, text in files.items() if path.endswith("NOTES.txt"))
        assert told in notes
        assert "kubectl -n jazz get secret segue-s3 segue-page\n" in notes
        assert "kubectl -n jazz get inferenceservice segue" in notes
