"""The profile: right counts, fixed bins, the same digest for the same data."""

from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.catalog.columns import COLUMNS, NUMERIC, column_named
from segue.catalog.distinct import count_distinct, hash_text
from segue.catalog.ingest import ingest
from segue.catalog.profile import Profile
from segue.errors import CatalogError
from segue.evaluate.drift import psi
from tests.catalog.rows import row, rows, write_csv


def varied(count: int, seed: int = 5) -> list[dict[str, str]]:
    dice = np.random.default_rng(seed)
    made = []
    for number in range(count):
        values = {name: f"{dice.uniform():.4f}" for name in ("energy", "valence", "speechiness")}
        values |= {"loudness": f"{dice.normal(-9, 4):.3f}", "tempo": f"{dice.uniform(50, 200):.2f}"}
        values |= {"key": str(dice.integers(-1, 12)), "year": str(dice.integers(1950, 2024))}
        values["genre"] = dice.choice(["rock", "pop", "", "jazz"])
        made.append(row(number, **values))
    return made


def test_bins_reach_from_bound_to_bound_of_each_numeric_column() -> None:
    assert {column.name for column in COLUMNS if column.edges} == set(NUMERIC)
    for column in COLUMNS:
        if column.low is None or column.high is None:
            continue
        edges = column.edges
        assert list(edges) == sorted(set(edges))
        assert edges[0] <= column.low
        assert edges[-1] >= column.high


def test_moments_and_histograms_are_those_of_the_values(tmp_path: Path) -> None:
    made = varied(3000)
    profile = ingest(str(write_csv(tmp_path / "a.csv", made)), tmp_path / "out")
    for name in ("energy", "loudness", "tempo", "speechiness", "year"):
        values = np.array([float(entry[name]) for entry in made])
        found = profile.numeric[name]
        assert found.mean == pytest.approx(values.mean(), rel=1e-5)
        assert found.std == pytest.approx(values.std(), rel=1e-5)
        assert (found.min, found.max) == (values.min(), values.max())
        counts, _ = np.histogram(values, np.array(column_named(name).edges))
        assert found.histogram.counts == counts.tolist()
        assert found.histogram.edges == list(column_named(name).edges)
    keys = Counter(int(entry["key"]) for entry in made)
    assert profile.numeric["key"].histogram.bins == [*(keys[k] for k in range(12)), keys[-1]]
    assert profile.genres == dict(Counter(entry["genre"] for entry in made if entry["genre"]))
    assert profile.years == dict(Counter(entry["year"] for entry in made))
    assert profile.missing["genre"] == sum(not entry["genre"] for entry in made)


def test_a_column_without_a_value_has_a_histogram_all_the_same(tmp_path: Path) -> None:
    made = [{name: value for name, value in entry.items() if name != "popularity"} for entry in rows(4)]
    found = ingest(str(write_csv(tmp_path / "a.csv", made)), tmp_path / "out").numeric["popularity"]
    assert (found.mean, found.std, found.min, found.max) == (None, None, None, None)
    assert found.histogram.bins == [0] * (len(column_named("popularity").edges) - 1) + [4]


def test_values_on_the_outer_bounds_are_counted(tmp_path: Path) -> None:
    made = [
        row(1, energy="0", popularity="0", year="1860"),
        row(2, energy="1", popularity="100", year="2100"),
    ]
    numeric = ingest(str(write_csv(tmp_path / "a.csv", made)), tmp_path / "out").numeric
    for name in ("energy", "popularity", "year"):
        counts = numeric[name].histogram.counts
        assert (counts[0], counts[-1], sum(counts)) == (1, 1, 2)


def test_two_profiles_can_be_compared(tmp_path: Path) -> None:
    one, same, louder = (
        ingest(str(write_csv(tmp_path / f"{name}.csv", made)), tmp_path / name)
        for name, made in (
            ("one", varied(4000, seed=1)),
            ("same", varied(4000, seed=2)),
            ("louder", [{**entry, "loudness": "-3"} for entry in varied(4000, seed=3)]),
        )
    )

    def moved(other: Profile, name: str) -> float:
        return psi(one.numeric[name].histogram.bins, other.numeric[name].histogram.bins)

    assert all(moved(same, name) < 0.05 for name in NUMERIC)
    assert moved(louder, "loudness") > 1
    assert moved(louder, "energy") < 0.05


def test_the_digest_does_not_depend_on_where_or_when(tmp_path: Path) -> None:
    made = varied(500)
    first = ingest(str(write_csv(tmp_path / "a.csv", made)), tmp_path / "one")
    (tmp_path / "else").mkdir()
    second = ingest(str(write_csv(tmp_path / "else" / "a.csv", made)), tmp_path / "two")
    assert first.digest == second.digest
    for name in ("tracks.parquet", "rejected.parquet", "profile.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    text = (tmp_path / "one" / "profile.json").read_text()
    assert str(tmp_path) not in text
    made[7]["energy"] = "0.99999"
    assert ingest(str(write_csv(tmp_path / "a.csv", made)), tmp_path / "three").digest != first.digest


def test_a_profile_is_the_same_after_it_was_saved(tmp_path: Path) -> None:
    profile = ingest(str(write_csv(tmp_path / "a.csv", [*varied(50), row(energy="7")])), tmp_path / "out")
    loaded = Profile.load(tmp_path / "out" / "profile.json")
    assert loaded == profile
    assert loaded.digest == profile.digest


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", '{"schema_version": 1, "source": 3}'])
def test_what_is_no_profile_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "profile.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(CatalogError, match=r"profile\.json"):
        Profile.load(path)


def test_a_genre_column_that_is_none_fills_neither_memory_nor_profile(tmp_path: Path) -> None:
    made = [row(i, genre=f"g{i:05}") for i in range(25_000)]
    profile = ingest(str(write_csv(tmp_path / "a.csv", made)), tmp_path / "out")
    assert len(profile.genres) == 200
    assert sum(profile.genres.values()) + profile.other_genres == 25_000


def test_duplicate_ids_are_counted_and_kept(tmp_path: Path) -> None:
    made = [row(number) for number in (1, 2, 2, 3, 3, 3)]
    profile = ingest(str(write_csv(tmp_path / "a.csv", made)), tmp_path / "out")
    assert (profile.rows_kept, profile.duplicate_ids) == (6, 3)


def test_distinct_values_are_counted_in_one_pass_or_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = np.random.default_rng(3)
    texts = [f"{'x' * int(dice.integers(0, 30))}{dice.integers(0, 3000)}" for _ in range(20_000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet")
    expected = len(set(texts))
    assert count_distinct(tmp_path / "a.parquet", "text") == expected
    monkeypatch.setattr("segue.catalog.distinct._ROWS_PER_PASS", 3000)
    assert count_distinct(tmp_path / "a.parquet", "text") == expected
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "none.parquet")
    assert count_distinct(tmp_path / "none.parquet", "text") == 0


def test_a_text_has_one_hash_in_whatever_batch_it_stands() -> None:
    texts = ["abc", "", "abcdefgh", "abcdefghi", "abcdefgh\0", "é", "abc", "\0", "\0\0"]
    hashes = hash_text(pa.array(texts))
    assert len(set(hashes.tolist())) == len(set(texts))
    for number, text in enumerate(texts):
        assert hash_text(pa.array([text]))[0] == hashes[number]
        assert hash_text(pa.array(["longer than that", text, text]))[1] == hashes[number]
    assert (hash_text(pa.array(texts).slice(3, 4)) == hashes[3:7]).all()
    assert len(hash_text(pa.array([], pa.string()))) == 0
