"""Generate the chart's files that derive from its values and from the version: `make chart`.

values.schema.json and the table in helm/segue/README.md are generated from values.yaml and its comments;
Chart.yaml's version and appVersion are segue.__version__. The comment above a value is `# -- what it is`, and
`# @schema {…}` adds to the JSON schema, whose type is that of the default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from segue import __version__

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "helm" / "segue"
START, END = "<!-- values: made by `make chart` -->\n", "<!-- end of values -->\n"


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value that a user may set: its path, default, description and additions to its schema."""

    path: tuple[str, ...]
    default: Any
    about: str
    schema: dict[str, Any]


def read_values(text: str) -> list[Value]:
    """Values of values.yaml in order.

    Raises
    ------
    ValueError
        A value has no comment.
    """
    lines = text.splitlines()
    return list(_walk(yaml.compose(text), (), lines))


def _walk(node: yaml.Node, path: tuple[str, ...], lines: list[str]) -> Iterator[Value]:
    for key, child in node.value:
        here = (*path, key.value)
        about, schema = _comment_above(key.start_mark.line, lines)
        if about:
            yield Value(path=here, default=_plain(child), about=about, schema=schema)
        elif isinstance(child, yaml.MappingNode) and child.value:
            yield from _walk(child, here, lines)
        else:
            raise ValueError(f"values.yaml, line {key.start_mark.line + 1}: {'.'.join(here)} has no comment")


def _plain(node: yaml.Node) -> Any:
    return yaml.safe_load(yaml.serialize(node))


def _comment_above(line: int, lines: list[str]) -> tuple[str, dict[str, Any]]:
    block: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        block.insert(0, lines[line].strip().removeprefix("#").strip())
    about = [part for part in block if not part.startswith("@schema")]
    if not about or not about[0].startswith("--"):
        return "", {}
    added = [yaml.safe_load(part.removeprefix("@schema")) for part in block if part.startswith("@schema")]
    return " ".join(about).removeprefix("--").strip(), added[0] if added else {}


def schema_of(values: list[Value]) -> dict[str, Any]:
    """JSON schema of values.yaml: types are those of the defaults, unknown names are refused."""
    root: dict[str, Any] = _closed()
    for value in values:
        place = root
        for part in value.path[:-1]:
            place = place["properties"].setdefault(part, _closed())
        place["properties"][value.path[-1]] = {
            **_type_of(value.default),
            "description": value.about,
            **value.schema,
        }
    # Helm passes this to every chart besides its values
    root["properties"]["global"] = {"type": "object"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Values of Segue's chart",
        **root,
    }


def _closed() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _type_of(default: Any) -> dict[str, Any]:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return {"type": kinds[type(default)]}


def table_of(values: list[Value]) -> str:
    """Table of the values for a README."""
    rows = ["| value | default | what it is |", "|---|---|---|"]
    for value in values:
        default = json.dumps(value.default).replace("|", "\\|")
        rows.append(f"| `{'.'.join(value.path)}` | `{default}` | {value.about.replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def generated_files() -> dict[Path, str]:
    """Path and correct content of every generated file."""
    values = read_values((CHART / "values.yaml").read_text(encoding="utf-8"))
    readme = (CHART / "README.md").read_text(encoding="utf-8")
    before, _, rest = readme.partition(START)
    chart = (CHART / "Chart.yaml").read_text(encoding="utf-8")
    return {
        CHART / "values.schema.json": json.dumps(schema_of(values), indent=2, ensure_ascii=False) + "\n",
        CHART / "README.md": f"{before}{START}\n{table_of(values)}\n{END}{rest.partition(END)[2]}",
        CHART / "Chart.yaml": re.sub(r"(?m)^(version|appVersion): .*$", rf"\1: {__version__}", chart),
    }


def main() -> None:
    """Write the files that are out of date."""
    for path, text in generated_files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
