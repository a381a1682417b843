"""``python -m pipelines ablate``: the same training without one part, judged on the same seeds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from pipelines.__main__ import app
from pipelines.ablation import parse_parts
from segue.errors import InteractionsError, SettingsError
from segue.sample import generate

SMALL = ["rounds=5", "threads=1", "relevance_rounds=10", "max_queries=200", "max_seeds=80"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ablation")
    generate(3_000, folder / "data")
    return folder


def ablate(folder: Path, playlists: Path, *without: str) -> Result:
    words = ["ablate", "--catalog", folder / "data" / "catalog.csv", "--interactions", playlists]
    words += ["--out", folder / "out"]
    for name in without:
        words += ["--without", name]
    for pair in SMALL:
        words += ["--set", pair]
    return CliRunner().invoke(app, [str(word) for word in words])


def test_each_part_is_judged_beside_the_whole_with_intervals(folder: Path) -> None:
    done = ablate(folder, folder / "data" / "playlists.csv", "genre+artist", "reranker")
    assert done.exit_code == 0, done.output
    found = json.loads((folder / "out" / "ablation.json").read_text())
    assert [row["left_out"] for row in found] == ["", "genre+artist", "reranker"]
    whole, without, nearest = found
    for row in found:
        for figure in row["figures"].values():
            assert figure["low"] <= figure["mean"] <= figure["high"]
            assert figure["seeds"] == whole["figures"]["precision"]["seeds"]
    assert without["figures"]["recall_at_500"]["mean"] < whole["figures"]["recall_at_500"]["mean"]
    # the ranker has no say in what is retrieved
    assert nearest["figures"]["recall_at_500"] == whole["figures"]["recall_at_500"]
    change = without["figures"]["precision"]["mean"] - whole["figures"]["precision"]["mean"]
    assert without["gain"]["precision"]["mean"] == pytest.approx(change)
    lines = list(csv.DictReader((folder / "out" / "ablation.csv").open()))
    assert [float(line["precision"]) for line in lines] == [
        row["figures"]["precision"]["mean"] for row in found
    ]
    for name in ("nothing", "genre+artist", "reranker"):
        assert f"│ {name} " in done.output, done.output


def test_too_few_playlists_to_judge_by_are_told(folder: Path) -> None:
    lines = (folder / "data" / "playlists.csv").read_text().splitlines()
    (folder / "few.csv").write_text("\n".join(lines[:60]) + "\n")
    done = ablate(folder, folder / "few.csv", "genre")
    assert isinstance(done.exception, InteractionsError)
    assert "at least 5 are needed" in str(done.exception)


def test_a_part_that_there_is_not_is_named() -> None:
    assert parse_parts(["year+genre"]) == [("genre", "year")]
    with pytest.raises(SettingsError, match=r"--without tempo: .* there are genre, year, artist, metric"):
        parse_parts(["genre+tempo"])
