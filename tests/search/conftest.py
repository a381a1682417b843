"""A small catalogue of names that are hard to find, and a larger one from the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segue.search import SearchIndex, build_search

# artist, title, popularity
NAMES: list[tuple[str, str, float | None]] = [
    ("Queen", "Bohemian Rhapsody - Remastered 2011", 80),
    ("Queen", "Bohemian Rhapsody", 60),
    ("Queen", "Radio Ga Ga", 70),
    ("Radiohead", "Creep", 85),
    ("Radiohead", "Karma Police", 78),
    ("Radio Moscow", "Little Eyes", 20),
    ("Beyoncé", "Halo", 82),
    ("Beyoncé", "Irreplaceable", 70),
    ("U2", "One", 75),
    ("U2", "With or Without You", 79),
    ("Björk", "Hyperballad", 60),
    ("Sigur Rós", "Hoppípolla", 58),
    ("AC/DC", "T.N.T.", 72),
    ("AC/DC", "Back In Black", 84),
    ("Jay-Z", "99 Problems", 74),
    ("P!nk", "So What", 76),
    ("!!!", "Heart of Hearts", 30),
    ("Kendrick Lamar", "U", 65),
    ("Nobody", "I", 5),
    ("방탄소년단", "봄날", 83),
    ("BTS", "봄날 (Spring Day)", 66),
    ("로이킴", "봄봄봄", 50),
    ("아이유", "밤편지", 71),
    ("宇多田ヒカル", "First Love", 64),
    ("宇多田ヒカル", "光", 55),
    ("YOASOBI", "夜に駆ける", 81),
    ("ガガガSP", "晩秋", 12),
    ("Кино", "Группа крови", 62),
    ("Земфира", "Ёжик", 33),
    ("Ленинград", "Экспонат", 45),
    ("فيروز", "نسم علينا الهوى", 48),
    ("Black Sabbath", "Paranoid", 77),
    ("Black Sabbath", "Iron Man", 73),
    ("The The", "This Is the Day", 44),
    ("Los Fulanos", "Don't Stop Me Now", 10),
    ("Queen", "Don't Stop Me Now", 81),
    ("Tribute", "Queen", 3),
    ("<b>Bold</b>", "=SUM(A1)", 9),
    ("Quote", '"Heroes"', 40),
    ("Wild", "A*B NEAR OR AND NOT", 2),
    ("Unrated", "Halo", None),
    ("Full", "ＦＵＬＬ ＷＩＤＴＨ", 1),
    ("Emoji", "🤘🔥", 1),
    ("संगीत", "हिन्दी गाना", 7),
]

Finder = Callable[..., list[tuple[str, str]]]


def write_tracks(path: Path, names: list[tuple[str, str, float | None]]) -> Path:
    artists, titles, popularity = (list(column) for column in zip(*names, strict=True))
    columns = {
        "artist_name": pa.array(artists, pa.string()),
        "track_name": pa.array(titles, pa.string()),
        "popularity": pa.array(popularity, pa.float32()),
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchIndex]:
    folder = tmp_path_factory.mktemp("search")
    build_search(write_tracks(folder / "tracks.parquet", NAMES), folder / "search.sqlite")
    with SearchIndex(folder / "search.sqlite") as opened:
        yield opened


@pytest.fixture(scope="session")
def find(index: SearchIndex) -> Finder:
    """Artists and titles of what is found."""

    def search(query: str | None = None, **fields: object) -> list[tuple[str, str]]:
        return [NAMES[row][:2] for row in index.search(query, **fields)]  # type: ignore[arg-type]

    return search
