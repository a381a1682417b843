"""Training from Python: the pipeline's steps in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

import segue
from pipelines.arguments import declared
from segue.api.training import _parts
from segue.errors import CatalogError, SettingsError

QUICK: dict[str, Any] = {
    "rounds": 20,
    "threads": 1,
    "max_seeds": 40,
    "bootstrap_rounds": 100,
    "examples": 1,
    "recall_queries": 20,
}


def test_a_catalogue_becomes_a_model_a_report_and_a_channel(tmp_path: Path) -> None:
    lines: list[str] = []
    store = tmp_path / "store"
    model = segue.train(
        "sample://1500", store=store, report=tmp_path / "report.html", progress=lines.append, **QUICK
    )
    assert [line.partition(":")[0] for line in lines] == [
        "ingest",
        "preprocess",
        "train",
        "build_index",
        "evaluate",
        "publish",
    ]
    channel = orjson.loads((store / "channels" / "champion.json").read_bytes())
    assert channel["digest"] == model.digest == segue.open(f"{store}/channels/champion").digest
    assert len(model.recommend(model.tracks.ids[0], k=5)) == 5
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_defaults_of_a_run_are_those_of_the_pipeline() -> None:
    from segue.evaluate.settings import EvaluationSettings
    from segue.index.settings import IndexSettings
    from segue.ranking.settings import TrainSettings

    evaluation = EvaluationSettings()
    here = {
        **evaluation.gate.model_dump(),
        **evaluation.model_dump(),
        **IndexSettings().model_dump(),
        **TrainSettings().model_dump(),
    }
    compared = {name: default for name, (_, default) in declared().items() if name in here}
    assert {"rounds", "seed", "recall_target", "neighbours", "max_seeds", "max_psi"} <= set(compared)
    assert {name: here[name] for name in compared} == compared


def test_settings_go_to_the_steps_that_the_pipeline_gives_them_to() -> None:
    parts = _parts({"neighbours": 100, "seed": 3, "max_psi": 0.5, "promote": False, "max_rejected": 0.1})
    assert parts["train"] == {"seed": 3, "candidates": 100}
    assert parts["index"] == {"neighbours": 100}
    assert parts["evaluation"] == {"neighbours": 100, "gate": {"max_psi": 0.5}}
    assert parts["target"] == {"promote": False}
    assert parts["ingest"] == {"max_rejected": 0.1}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"round": 3}, "round: there is no such setting; did you mean rounds"),
        ({"rounds": 0}, "rounds: input should be greater than or equal to 1, got 0"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_is_read(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        segue.train("/nowhere.csv", **settings)
    assert words in str(caught.value)


def test_a_catalogue_that_is_not_there_leaves_no_store(tmp_path: Path) -> None:
    with pytest.raises(CatalogError):
        segue.train(tmp_path / "nowhere.csv", store=tmp_path / "store", progress=None)
    assert not list(tmp_path.iterdir())
