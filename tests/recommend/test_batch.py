import csv
from pathlib import Path

import numpy as np
import pytest

from segue.bundle.definition import Booster
from segue.errors import RequestError, UnknownSeeds
from segue.recommend.batch import CHUNK, COLUMNS, read_seeds, recommend_each, write_batch
from segue.recommend.names import find_track
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import LocalRanker
from tests.recommend.hand_made import FEATURES, Track, id_of, line, make_bundle, write_booster


def _ids(recommender: Recommender) -> list[str]:
    return recommender.bundle.columns["track_id"].to_pylist()


def test_a_file_of_seeds_gives_a_file_of_lists(
    recommender: Recommender, ranker: LocalRanker, tmp_path: Path
) -> None:
    seeds = [*_ids(recommender)[: CHUNK + 20], "nowhere"]
    template = Request.parse({"seeds": ["any"], "k": 4})
    out = tmp_path / "recs.csv"
    unknown = write_batch(out, recommend_each(recommender, ranker, seeds, template))
    assert unknown == ["nowhere"]
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [row["seed_track_id"] for row in rows[::4]] == seeds[:-1]
    for seed in (seeds[0], seeds[CHUNK], seeds[-2]):
        alone = recommender.recommend([Request.parse({"seeds": [seed], "k": 4})], ranker)[0]
        mine = [row for row in rows if row["seed_track_id"] == seed]
        assert [(row["track_id"], float(row["score"])) for row in mine] == [
            (item.track_id, item.score) for item in alone.items
        ]


def test_all_unknown_is_an_error_and_leaves_no_file(
    recommender: Recommender, ranker: LocalRanker, tmp_path: Path
) -> None:
    template = Request.parse({"seeds": ["any"]})
    with pytest.raises(UnknownSeeds, match="a, b"):
        write_batch(tmp_path / "recs.csv", recommend_each(recommender, ranker, ["a", "b"], template))
    assert not list(tmp_path.iterdir())


def test_a_seeds_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    for name in ("empty.txt", "binary.txt", "nowhere.txt"):
        with pytest.raises(RequestError, match=name):
            read_seeds(tmp_path / name)
    (tmp_path / "ids.txt").write_text("a\n\n b \n")
    assert read_seeds(tmp_path / "ids.txt") == ["a", "b"]


@pytest.mark.parametrize(
    "text", ["ARTIST 0 - twice", "Artist 0 - Twice (Radio Edit)", "twice - remastered 2011 - artist 0"]
)
def test_a_track_is_found_by_artist_and_title(recommender: Recommender, text: str) -> None:
    bundle = recommender.bundle
    if text.startswith("twice"):
        # the first dash parts artist and title
        assert find_track(bundle, text) == text
        text = "twice - artist 0"
    row = bundle.lookup.row_of(find_track(bundle, text))
    assert row is not None
    assert bundle.value("track_name", row).startswith("Twice")
    same = bundle.lookup.same_recordings(row)
    assert bundle.popularity[row] == bundle.popularity[same].max()


def test_a_title_that_the_artist_lacks_brings_what_is_near(recommender: Recommender) -> None:
    with pytest.raises(RequestError, match=r"'Artist 0' has no track 'Twise'; did you mean .*Twice"):
        find_track(recommender.bundle, "Artist 0 - Twise")


def test_a_seeds_file_is_read_as_utf8_and_an_error_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_bytes("é1\r\n봄\n".encode())
    assert read_seeds(tmp_path / "ids.txt") == ["é1", "봄"]
    (tmp_path / "empty.txt").write_text("")
    for name, said in (
        ("empty.txt", "is empty; expected one track id per line"),
        ("none.txt", "can't be read"),
    ):
        with pytest.raises(RequestError) as caught:
            read_seeds(tmp_path / name)
        assert caught.value.field == "--seeds-file"
        assert f"{tmp_path / name} {said}" in str(caught.value)


@pytest.fixture
def few(tmp_path: Path) -> Recommender:
    return Recommender(make_bundle(tmp_path / "bundle", line(0, 1, 3)))


def test_each_seed_has_its_answer_in_the_order_given(few: Recommender) -> None:
    seeds = [id_of(2), "x", id_of(0), id_of(2)]
    given = list(recommend_each(few, None, seeds, Request.parse({"seeds": ["any"], "k": 1})))
    assert [seed for seed, _ in given] == seeds
    first = [answer and (answer.items[0].track_id, answer.items[0].similarity) for _, answer in given]
    near, far = pytest.approx(np.exp(-0.5), abs=1e-6), pytest.approx(np.exp(-1), abs=1e-6)
    assert first == [(id_of(1), far), None, (id_of(1), near), (id_of(1), far)]


def test_the_file_is_csv_of_utf8_and_progress_counts_the_seeds(few: Recommender, tmp_path: Path) -> None:
    seeds = ["ü", id_of(0), "y"]
    template = Request.parse({"seeds": ["any"], "k": 2, "max_per_artist": 9})
    done: list[int] = []
    out = tmp_path / "recs.csv"
    assert write_batch(out, recommend_each(few, None, seeds, template), done.append) == ["ü", "y"]
    assert done == [1, 2, 3]
    assert out.read_bytes() == (
        b"seed_track_id,rank,track_id,score,track_name,artist_name\n"
        b"t000,1,t001,1.0,Title,Artist\nt000,2,t002,0.0,Title,Artist\n"
    )


def test_of_many_unknown_seeds_ten_are_named(few: Recommender, tmp_path: Path) -> None:
    seeds = [f"x{number}" for number in range(12)]
    with pytest.raises(UnknownSeeds) as caught:
        write_batch(tmp_path / "recs.csv", recommend_each(few, None, seeds, Request.parse({"seeds": ["a"]})))
    assert caught.value.seeds == tuple(seeds[:10])


def test_a_name_that_a_spreadsheet_would_compute_is_quoted(tmp_path: Path) -> None:
    tracks = [Track(0, 0, 50, "=HYPERLINK(1)", title="-2+3"), Track(0.1, 0, 40, "Fine", title="@SUM(1)")]
    recommender = Recommender(make_bundle(tmp_path / "bundle", tracks))
    template = Request.parse({"seeds": ["any"], "k": 1})
    write_batch(tmp_path / "recs.csv", recommend_each(recommender, None, [id_of(0), id_of(1)], template))
    with (tmp_path / "recs.csv").open(newline="") as file:
        names = [(row["track_name"], row["artist_name"]) for row in csv.DictReader(file)]
    assert names == [("'@SUM(1)", "Fine"), ("'-2+3", "'=HYPERLINK(1)")]


def test_lists_come_before_all_seeds_are_read(few: Recommender) -> None:
    seeds = iter([id_of(0)] * (3 * CHUNK))
    seed, answer = next(recommend_each(few, None, seeds, Request.parse({"seeds": ["any"], "k": 1})))
    assert answer is not None
    assert (seed, answer.items[0].track_id) == (id_of(0), id_of(1))
    assert len(list(seeds)) == 2 * CHUNK


def test_boosters_order_the_lists_of_a_batch_too(tmp_path: Path) -> None:
    write_booster(tmp_path / "popularity.txt", 0, 20, 60, width=len(FEATURES))
    booster = Booster(name="popularity", file="popularity.txt", columns=list(FEATURES), trees=1)
    bundle = make_bundle(tmp_path, line(0, 1, 3), boosters=[booster])
    template = Request.parse({"seeds": ["any"], "k": 1, "popularity_weight": 1})
    boosters = LocalRanker(bundle.definition, bundle.path)
    ((_, answer),) = recommend_each(Recommender(bundle), boosters, [id_of(0)], template)
    assert answer is not None
    assert [(item.track_id, item.predicted_popularity) for item in answer.items] == [(id_of(2), 60.0)]
