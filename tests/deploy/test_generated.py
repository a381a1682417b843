"""What is made from other files is as it would be made now; the version stands in one place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from scripts import chart, manifests
from segue import __version__
from tests.deploy.chart import ROOT


def test_it_has_schema_table_and_version_as_make_chart_makes_them() -> None:
    for path, text in chart.generated_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is stale: make chart"


def test_it_has_manifests_as_make_manifests_makes_them() -> None:
    for path, text in manifests.generated_files().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.relative_to(ROOT)} is stale: make manifests"


def test_it_refuses_a_value_without_a_comment() -> None:
    with pytest.raises(ValueError, match=r"line 3: a\.b has no comment"):
        chart.read_values("a:\n  # an aside is no documentation\n  b: 1\n")


def test_it_reads_a_comment_a_default_and_a_schema() -> None:
    text = "a:\n  # -- What it\n  # is.\n  # @schema {minimum: 1}\n  b: 3\n"
    (value,) = chart.read_values(text)
    assert (value.path, value.default, value.about) == (("a", "b"), 3, "What it is.")
    schema = chart.schema_of([value])["properties"]["a"]
    assert schema["properties"]["b"] == {"type": "integer", "description": "What it is.", "minimum": 1}
    assert schema["additionalProperties"] is False


def test_it_has_a_schema_that_is_one_and_that_takes_the_defaults() -> None:
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load((chart.CHART / "values.yaml").read_text()), schema)


def test_it_says_the_version_in_one_place() -> None:
    described = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())
    assert described["version"] == described["appVersion"] == __version__
    # elsewhere it is read, or made by `make chart` and `make manifests`
    literal = re.compile(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])")
    sources = ["Makefile", "skaffold.yaml", "pyproject.toml"]
    paths = [*map(ROOT.joinpath, sources), *ROOT.glob(".github/workflows/*"), *ROOT.rglob("*/Dockerfile")]
    assert [str(path) for path in paths if path.exists() and literal.search(_without_pins(path))] == []


def _without_pins(path: Path) -> str:
    """Text without the versions of other things: requirements, actions, tools."""
    return re.sub(r"(==|>=|~=|@|# v|:)[\w.@-]*\d+\.\d+\.\d+", "", path.read_text(encoding="utf-8"))
