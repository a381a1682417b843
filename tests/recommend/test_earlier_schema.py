"""A bundle of schema version 1, from before anything was learned from playlists, answers as it did."""

from __future__ import annotations

from pathlib import Path

import orjson

from segue.bundle.definition import BundleDefinition
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed
from tests.small_catalogue import Steps


def test_it_answers_from_a_bundle_of_the_schema_before(small: Steps, tmp_path: Path) -> None:
    transform = orjson.loads(small.parts["transform.json"].read_bytes())
    assert transform.pop("learned") is None
    earlier = tmp_path / "transform.json"
    earlier.write_bytes(orjson.dumps(transform))
    raw = orjson.dumps({**small.definition.model_dump(mode="json"), "schema_version": 1})
    definition = BundleDefinition.parse(raw, source="earlier")
    assert definition.schema_version == 1
    bundle = Bundle(definition, {**small.parts, "transform.json": earlier}.__getitem__)
    request = Request(seeds=[Seed(track_id=bundle.value("track_id", 7))])
    (then,) = Recommender(bundle).recommend([request], small.ranker())
    (now,) = Recommender(small.bundle()).recommend([request], small.ranker())
    assert then.items == now.items
