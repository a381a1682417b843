"""Statistics for the monitoring page: the log's figures, with genres, decades and drift from the bundle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from segue.evaluate.drift import psi
from segue.log.stats import Stats
from serving.gateway.catalogue import Catalogue

__all__ = ["MIN_SEEDS", "RECENT_READ", "describe_stats", "query_drift"]

# Requests read to compute drift; the page shows the first of them.
RECENT_READ = 2_000
_RECENT_SHOWN = 50
_MAX_GENRES = 30
# With 100 rows PSI is above 0.1 by chance in 4 windows of 10.
MIN_SEEDS = 500


def describe_stats(stats: Stats, catalogue: Catalogue | None) -> dict[str, Any]:
    """Build the answer of ``GET /api/stats`` from the log's figures and the bundle in service, if any."""
    genres: list[dict[str, Any]] = []
    decades: list[dict[str, Any]] = []
    if catalogue:
        shown = _rows(catalogue, stats.tracks)
        genres = _shares(shown, partial(catalogue.cell, "genre"))[:_MAX_GENRES]
        decades = _shares(shown, partial(_decade, catalogue))
    return {
        "since": stats.since,
        "bucket_seconds": stats.bucket_seconds,
        "totals": stats.totals,
        "buckets": stats.buckets,
        "recent": stats.recent[:_RECENT_SHOWN],
        "feedback": stats.feedback,
        "genres": genres,
        "decades": sorted(decades, key=lambda share: str(share["name"])),
        "drift": query_drift(catalogue, [request.seeds for request in stats.recent]) if catalogue else None,
    }


def query_drift(catalogue: Catalogue, seeds: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Drift of the seeds: population stability index of the newer half against the older, by feature.

    `seeds` are those of each request, newest first. Those that are not tracks of the catalogue are left
    out.
    """
    known = catalogue.known_rows(track for request in seeds for track in request)
    half = len(known) // 2
    newer, older = np.array(known[:half], np.int64), np.array(known[half:], np.int64)
    found = {}
    if half:
        for name, bins in catalogue.reference.features.items():
            values = catalogue.features[:, catalogue.position(name)]
            found[name] = round(psi(bins.count(values[older]), bins.count(values[newer])), 4)
    return {"rows": half, "is_enough": half >= MIN_SEEDS, "psi": found}


def _rows(catalogue: Catalogue, tracks: Mapping[str, int]) -> list[tuple[int, int]]:
    """Row and count of the tracks that the catalogue still has."""
    rows = zip(catalogue.rows_of(list(tracks)), tracks.values(), strict=True)
    return [(row, count) for row, count in rows if row is not None]


def _shares(shown: Sequence[tuple[int, int]], group: Callable[[int], str | None]) -> list[dict[str, Any]]:
    """Share of each group of rows in what was shown, the largest first."""
    counts: Counter[str | None] = Counter()
    for row, count in shown:
        counts[group(row)] += count
    total = counts.total()
    return [
        {"name": name or "unknown", "share": round(count / total, 4), "shown": count}
        for name, count in counts.most_common()
    ]


def _decade(catalogue: Catalogue, row: int) -> str | None:
    year = catalogue.cell("year", row)
    return None if year is None else f"{year // 10 * 10}s"
