"""What the page makes of an answer: reasons, the table to save, figures, settings."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import streamlit as st

from segue.errors import SettingsError
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import LocalRanker
from segue.settings import read_settings
from serving.gateway import schemas
from serving.ui.parts.comparison import measures, number
from serving.ui.parts.markup import bar, cover, track_line
from serving.ui.parts.track_list import as_csv
from serving.ui.settings import UISettings
from serving.ui.sound import feature_name, feature_value
from serving.ui.views.monitoring import share_name
from serving.ui.why import dropped_words, reasons

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def answer(recommender: Recommender, ranker: LocalRanker) -> schemas.Recommendations:
    """What the library itself answers and explains."""
    seed = recommender.bundle.value("track_id", 7)
    request = Request.parse({"seeds": [seed], "k": 5, "explain": True, "max_per_artist": 1})
    made = recommender.recommend([request], ranker)[0]
    value = orjson.loads(orjson.dumps(made, option=orjson.OPT_SERIALIZE_NUMPY))
    return schemas.Recommendations.model_validate({**value, "impression_id": str(uuid4())})


def track(**changes: Any) -> schemas.Track:
    known = dict.fromkeys(schemas.Track.model_fields)
    return schemas.Track.model_validate(
        {
            **known,
            "track_id": "a",
            "track_name": "T",
            "artist_name": "A",
            "image": "/i",
            "features": {},
            **changes,
        }
    )


def test_it_gives_reasons_from_the_librarys_own_explanation(answer: schemas.Recommendations) -> None:
    assert answer.explanation is not None
    for item, entry in zip(answer.items, answer.explanation["items"], strict=True):
        told = reasons(item, entry, seed_title="Seed song")
        assert told[0] == "Of your seeds it is nearest to Seed song."
        nearest = feature_name(entry["near"][0]["feature"])
        assert told[1].startswith(f"Close in {nearest} (")
        furthest = feature_name(entry["far"][0]["feature"])
        assert told[2].startswith(f"Furthest apart in {furthest} (")
        assert f"popularity of {item.predicted_popularity:.0f} out of 100" in " ".join(told)
        [of, *_] = reasons(item, entry, seed_title="Some song", is_chosen=False)
        assert of == "Of the tracks that your seeds stand for it is nearest to Some song."
    assert "beyond the limit for an artist" in str(dropped_words(answer.explanation))


def test_it_does_not_praise_a_relevance_that_may_be_negative(answer: schemas.Recommendations) -> None:
    assert answer.explanation is not None
    item = dataclasses.replace(answer.items[0], relevance=-0.561)
    told = reasons(item, answer.explanation["items"][0], seed_title="x")
    assert [text for text in told if "relevance" in text] == [
        "Judged by what is played together: relevance −0.56, which means something within this list alone."
    ]


def test_it_says_so_where_there_is_no_explanation(answer: schemas.Recommendations) -> None:
    assert reasons(answer.items[0], None, seed_title="x") == ("The gateway gave no reasons for this track.",)
    assert dropped_words(None) is None


def test_it_reads_values_in_a_listeners_terms() -> None:
    shown = {
        ("energy", 0.714): "71%",
        ("tempo", 119.6): "120 BPM",
        ("loudness", -7.6): "−8 dB",
        ("duration_ms", 187_400): "3:07",
        ("key", 1.0): "C#/Db",
        ("key", 40.0): "not known",
        ("mode", 0.0): "minor",
        ("time_signature", 3.0): "3/4",
        ("year", 1999.0): "1999",
        ("genre", "jazz"): "jazz",
        ("energy", None): "not known",
        ("made_up", 12.5): "12.5",
    }
    assert {key: feature_value(*key) for key in shown} == shown
    assert feature_name("made_up_block") == "made up block"


def test_it_saves_a_table_in_which_no_cell_is_a_formula(answer: schemas.Recommendations) -> None:
    first = dataclasses.replace(answer.items[0], track_name="=1+1", artist_name='A, "B"')
    rows = list(csv.DictReader(io.StringIO(as_csv([first], {first.track_id: track(year=1999, genre="-x")}))))
    assert [(row["track_name"], row["artist_name"], row["year"], row["genre"]) for row in rows] == [
        ("'=1+1", 'A, "B"', "1999", "'-x")
    ]


def test_it_escapes_whatever_a_catalogue_calls_its_tracks() -> None:
    nasty = '<img src=x onerror="alert(1)">'
    html = track_line(track(track_name=nasty, artist_name=nasty, genre=nasty), '"><script>')
    assert "<img src=x" not in html
    assert "<script>" not in html
    assert "onerror=&quot;" in html or "onerror=" not in html
    assert 'style="width:100.0%"' in bar("x", 7.0, "<b>")
    assert "<b>" not in bar("x", 0.5, "<b>")
    assert "<img" not in cover(None, size="small")


def test_it_names_decades_and_what_is_not_known_in_the_readers_language() -> None:
    names = {"1980s": "1980년대", "unknown": "모름", "80s": "80s", "jazz": "jazz"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(st.session_state, "language", "ko")
        shown = {name: share_name(schemas.Share(name=name, share=0.5, shown=1)) for name in names}
    assert shown == names


def test_it_keeps_a_name_from_right_to_left_to_itself() -> None:
    html = track_line(track(track_name="שיר", artist_name="עומר", year=2007, genre="hard-rock"), None)
    dot = '<span class="segue-dot"> · </span>'
    assert f"<bdi>עומר</bdi>{dot}<bdi>2007</bdi>{dot}<bdi>hard-rock</bdi>" in html
    assert '<div class="segue-title"><bdi>שיר</bdi></div>' in html


def test_it_reads_measures_with_the_leading_one_first() -> None:
    metrics = {
        "leading": "b",
        "labels": {"a": "Alpha", "b": "Beta", "c": "Gamma", "d": "Delta"},
        "methods": {
            "segue": {
                "figures": {
                    "a": {"mean": 0.5, "low": 0.4, "high": 0.6},
                    "b": {"mean": 0.123456},
                    "d": {"mean": None},
                },
                "overall": {"c": 12161.0},
            }
        },
    }
    found = measures(metrics)
    assert {name: measure.words for name, measure in found.items()} == {
        "b": "0.123",
        "a": "0.500 (0.400–0.600)",
        "c": "12,161",
    }
    assert list(found) == ["b", "a", "c"]
    assert measures(None) == measures({}) == measures({"labels": {"a": "x"}}) == {}
    assert number(-0.25) == "-0.250"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEGUE_TRACK_LINK", "javascript:{track_id}"),
        ("SEGUE_TRACK_LINK", "https://x/{other}"),
        ("SEGUE_GATEWAY_URL", "nowhere"),
        ("SEGUE_HTTP_PORT", "0"),
        ("SEGUE_BASE_PATH", "a b"),
    ],
)
def test_it_stops_at_a_wrong_setting_and_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        read_settings(UISettings)


def test_it_masks_its_key_and_takes_an_empty_one_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_GATEWAY_KEY", "id.hush")
    assert "hush" not in repr(read_settings(UISettings))
    monkeypatch.setenv("SEGUE_GATEWAY_KEY", "")
    assert read_settings(UISettings).gateway_key is None


def test_it_says_on_start_what_is_wrong_without_a_stack() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "serving.ui", "--gateway-url", "nowhere"],
        check=False,
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("SEGUE_GATEWAY_URL: ")
    assert "Traceback" not in done.stderr


def test_it_needs_no_library_that_its_image_lacks() -> None:
    """The image has the core and the extra ui: an import of more would end the page there, and not here."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, serving.ui.__main__, serving.ui.views.discover, serving.ui.views.models, "
            "serving.ui.views.monitoring; print(*sorted({name.partition('.')[0] for name in sys.modules}))",
        ],
        check=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    loaded = set(done.stdout.split())
    assert "streamlit" in loaded
    assert (
        loaded & {"fastapi", "sqlalchemy", "kserve", "faiss", "lightgbm", "kfp", "mlflow", "uvloop"} == set()
    )
    ours = {path.parent.name for path in (ROOT / "serving").glob("*/__init__.py")}
    images = (ROOT / "serving" / "ui" / "Dockerfile").read_text(encoding="utf-8")
    read = re.findall(r"^from (serving\.\w+)", _sources(), re.MULTILINE)
    assert {name.partition(".")[2] for name in read} & ours == {"gateway", "ui"}
    assert "serving/gateway/schemas.py" in images


def _sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "serving" / "ui").rglob("*.py"))


def test_it_has_every_setting_in_the_readme_with_its_default() -> None:
    text = (ROOT / "serving" / "README.md").read_text(encoding="utf-8").split("## The page")[1]
    rows = re.findall(
        r"^\| [^|]* \| `(SEGUE_\w+)` \| ([^|]*) \| (.*) \|$", text.split("\n## ")[0], re.MULTILINE
    )
    assert rows == [
        (f"SEGUE_{name.upper()}", str("empty" if field.default == "" else field.default), field.description)
        for name, field in UISettings.model_fields.items()
    ]
