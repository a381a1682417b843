"""Metrics of the lists: diversity, popularity, coverage of the catalogue, feedback."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from math import isfinite

from segue.log.record import Impression
from serving import metrics
from serving.gateway.catalogue import Catalogue
from serving.gateway.impressions import known_popularity

__all__ = ["BANDS", "ListMeasures", "popularity_band"]

# Popularity is 0 to 100; four bands are enough to see whether feedback goes to popular tracks.
BANDS = ("0-24", "25-49", "50-74", "75-100", "unknown")
# Coverage is measured over this process's last lists.
LOOKED_BACK = 2_000


def popularity_band(popularity: float | None) -> str:
    """Name of the band of a popularity, 0 to 100; ``unknown`` for None and NaN."""
    if popularity is None or not isfinite(popularity):
        return "unknown"
    return BANDS[min(int(max(popularity, 0.0) // 25), 3)]


class ListMeasures:
    """Measures the lists of this process.

    Coverage is the share of the catalogue's tracks in the last 2,000 lists of one bundle; a new bundle
    starts it again.
    """

    def __init__(self) -> None:
        self._digest = ""
        self._lists: deque[tuple[str, ...]] = deque()
        self._shown: Counter[str] = Counter()

    def note_list(self, impression: Impression, catalogue: Catalogue, rows: Sequence[int]) -> None:
        """Count one list; `rows` are the rows of its tracks in the catalogue."""
        if impression.list_diversity is not None:
            metrics.LIST_DIVERSITY.observe(impression.list_diversity)
        if impression.genre_precision is not None:
            metrics.LIST_GENRE_PRECISION.observe(impression.genre_precision)
        seeds = known_popularity(catalogue, catalogue.known_rows(impression.seeds))
        # lift compares the two: a list counts where both are known
        if impression.avg_popularity is not None and seeds:
            metrics.LIST_POPULARITY.observe(impression.avg_popularity)
            metrics.SEED_POPULARITY.observe(sum(seeds) / len(seeds))
        bands = Counter(map(popularity_band, catalogue.popularity[list(rows)].tolist()))
        for band, shown in bands.items():
            metrics.SHOWN.labels(band).inc(shown)
        self._cover(tuple(item.track_id for item in impression.items), impression.digest, catalogue)

    def note_feedback(self, event: str, track_id: str, catalogue: Catalogue | None) -> None:
        """Count one event of feedback."""
        rows = catalogue.known_rows([track_id]) if catalogue else []
        popularity = float(catalogue.popularity[rows[0]]) if catalogue and rows else None
        metrics.FEEDBACK.labels(event, popularity_band(popularity)).inc()

    def _cover(self, track_ids: tuple[str, ...], digest: str, catalogue: Catalogue) -> None:
        if digest != self._digest:
            self._digest = digest
            self._lists.clear()
            self._shown.clear()
        self._lists.append(track_ids)
        self._shown.update(track_ids)
        if len(self._lists) > LOOKED_BACK:
            for track_id in self._lists.popleft():
                self._shown[track_id] -= 1
                if not self._shown[track_id]:
                    del self._shown[track_id]
        metrics.LIST_COVERAGE.set(len(self._shown) / max(catalogue.size, 1))
