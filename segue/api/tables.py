"""What the Python API answers with: tracks and lists, which become pandas data frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from segue.bundle.table import TRACK_COLUMNS
from segue.errors import SegueError
from segue.features.transform import GENRE
from segue.recommend.answer import Answer, Item
from segue.recommend.model import Bundle

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "SHOWN", "Recommendations", "Tracks"]

Rows = npt.NDArray[np.int64]

# Without the numbers that only the bundle's own files refer to.
COLUMNS = tuple(name for name in TRACK_COLUMNS if name not in ("recording", "artist"))
SHOWN = ("track_id", "track_name", "artist_name", "year", "genre")


class Tracks:
    """Tracks of a bundle, in an order.

    Attributes
    ----------
    rows
        int64 [n], rows of the bundle's ``tracks.parquet``, ``features.npy`` and ``embedding.npy``.
    """

    def __init__(self, bundle: Bundle, rows: Rows) -> None:
        self._bundle = bundle
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"Tracks({len(self):,} of bundle {self._bundle.digest[:12]})"

    def _repr_html_(self) -> str:
        return _html(_frame(self.table(SHOWN)), len(self))

    @property
    def ids(self) -> list[str]:
        """Track ids."""
        return self._bundle.values("track_id", self.rows)

    @property
    def embedding(self) -> npt.NDArray[np.float32]:
        """float32 [n, d]: where the tracks lie; near tracks are alike. Copied from the mapped file."""
        return np.asarray(self._bundle.embedding[self.rows])

    def table(self, columns: Sequence[str] = COLUMNS) -> pa.Table:
        """Columns of ``tracks.parquet``, one row a track."""
        path = self._bundle.path("tracks.parquet")
        return pq.read_table(path, columns=list(columns)).take(pa.array(self.rows))

    def to_pandas(self) -> pd.DataFrame:
        """All that the bundle knows of each track: names, genre, year, popularity, and the audio features.

        Returns
        -------
        One row a track, in the order of `rows`. Features are float32 in the catalogue's units, NaN where a
        value is missing.
        """
        frame = _frame(self.table())
        features = self._bundle.features[self.rows]
        for position, name in enumerate(self._bundle.definition.features):
            if name not in frame and name != GENRE:
                frame[name] = features[:, position]
        return frame


class Recommendations(Sequence[Item]):
    """A list of recommendations: a sequence of items, best first.

    Attributes
    ----------
    answer
        The whole answer, as the service gives it: with the explanation, unknown seeds and counts.
    """

    def __init__(self, bundle: Bundle, answer: Answer) -> None:
        self._bundle = bundle
        self.answer = answer

    def __len__(self) -> int:
        return len(self.answer.items)

    def __getitem__(self, position: Any) -> Any:
        return self.answer.items[position]

    def __iter__(self) -> Iterator[Item]:
        return iter(self.answer.items)

    def __repr__(self) -> str:
        lines = [f"{item.rank:3}  {item.artist_name} - {item.track_name}" for item in self]
        return "\n".join(lines) if lines else f"Recommendations(none: {self.answer.reason})"

    def _repr_html_(self) -> str:
        return _html(self.to_pandas(), len(self))

    @property
    def tracks(self) -> Tracks:
        """The tracks of the list, with their features and their places in the embedding."""
        rows = [self._bundle.lookup.row_of(item.track_id) for item in self]
        return Tracks(self._bundle, np.array(rows, np.int64))

    def to_pandas(self) -> pd.DataFrame:
        """The list, a row an item: rank, names, year and genre, and what it was ranked by.

        A score is relative to its request. ``relevance`` is there if the bundle learned from playlists, and
        ``predicted_popularity`` if its ranker was asked.
        """
        frame = _frame(self.tracks.table(SHOWN))
        for number, name in enumerate(field.name for field in fields(Item) if field.name not in frame):
            frame.insert(0 if name == "rank" else len(SHOWN) + number, name, self._values(name))
        return frame

    def _values(self, name: str) -> list[Any]:
        return [getattr(item, name) for item in self]


def _frame(table: pa.Table) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = table.to_pandas()
    except ModuleNotFoundError as error:
        raise SegueError(
            f"a data frame needs {error.name}, which is not installed: pip install pandas"
        ) from None
    return frame


def _html(frame: pd.DataFrame, total: int) -> str:
    shown = frame.head(20)
    more = "" if total <= len(shown) else f"<p>{total:,} rows; .to_pandas() has them all</p>"
    return f"{shown.to_html(index=False)}{more}"
