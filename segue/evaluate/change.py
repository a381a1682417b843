"""Change of the catalogue since the champion's: drift, number of rows, missing values."""

from __future__ import annotations

import math

from segue.catalog.profile import Profile
from segue.evaluate.drift import psi
from segue.evaluate.gate import CatalogChange

__all__ = ["catalog_change"]


def catalog_change(profile: Profile, champion: Profile) -> CatalogChange:
    """Compare two profiles: PSI of each numeric column and of the genres, increase of missing values."""
    index: dict[str, float | None] = {}
    for name, column in profile.numeric.items():
        if name in champion.numeric:
            index[name] = _known(psi(champion.numeric[name].histogram.bins, column.histogram.bins))
    index["genre"] = _known(psi(*_genre_bins(champion, profile)))
    rise = {
        name: _share(count, profile) - _share(champion.missing[name], champion)
        for name, count in profile.missing.items()
        if name in champion.missing
    }
    return CatalogChange(
        rows=profile.rows_kept,
        champion_rows=champion.rows_kept,
        psi=index,
        missing_rise={name: round(value, 6) for name, value in rise.items()},
    )


def _genre_bins(old: Profile, new: Profile) -> tuple[list[int], list[int]]:
    """Rows by genre: the genres that both profiles name, then all other genres, then missing ones."""
    named = sorted(old.genres.keys() & new.genres.keys())

    def bins(profile: Profile) -> list[int]:
        counts = [profile.genres[name] for name in named]
        missing = profile.missing.get("genre", 0)
        return [*counts, profile.rows_kept - sum(counts) - missing, missing]

    return bins(old), bins(new)


def _share(count: int, profile: Profile) -> float:
    return count / profile.rows_kept if profile.rows_kept else 0.0


def _known(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
