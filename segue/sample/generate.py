"""Generate the sample: ``catalog.csv`` and ``playlists.csv``, the same bytes for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from segue.errors import SettingsError
from segue.sample.names import base62_ids
from segue.sample.playlists import draw_playlists
from segue.sample.tracks import draw_tracks
from segue.sample.world import draw_artists
from segue.sample.write import write_catalog, write_playlists

__all__ = ["MIN_ROWS", "SampleSummary", "generate"]

MIN_ROWS = 1_000
MAX_ROWS = 20_000_000
# Share of rows with the id of another row, as in catalogues merged from several crawls.
_REPEATED = 0.001


@dataclass(frozen=True, kw_only=True)
class SampleSummary:
    """The files and their sizes.

    Attributes
    ----------
    catalog, playlists
        The two files.
    rows
        Rows of the catalogue, including broken ones.
    broken_rows
        Rows that ingest should reject.
    artists, playlist_count, memberships
        Number of artists, playlists and playlist entries.
    """

    catalog: Path
    playlists: Path
    rows: int
    broken_rows: int
    artists: int
    playlist_count: int
    memberships: int


def generate(
    rows: int, out: Path, *, seed: int = 7, progress: Callable[[float], None] | None = None
) -> SampleSummary:
    """Write a synthetic catalogue in the Kaggle 1M layout, and playlists of its tracks.

    Parameters
    ----------
    rows
        Rows of the catalogue, 1,000 to 20,000,000.
    out
        Folder for ``catalog.csv`` and ``playlists.csv``; created if missing.
    seed
        The same rows and seed give the same bytes. Other seeds give other artists and tracks of the same
        genres.
    progress
        Called with the completed share, 0 to 1.

    Raises
    ------
    SettingsError
        ``rows`` or ``seed`` is out of bounds, or ``out`` can't be written.

    Examples
    --------
    >>> generate(20_000, Path("data"))  # doctest: +SKIP
    """
    if not MIN_ROWS <= rows <= MAX_ROWS:
        raise SettingsError(f"rows: expected {MIN_ROWS:,} to {MAX_ROWS:,}, got {rows:,}")
    if seed < 0:
        raise SettingsError(f"seed: expected 0 or more, got {seed}")
    report = progress or (lambda _: None)
    try:
        out.mkdir(parents=True, exist_ok=True)
        return _generate(rows, out, seed, report)
    except OSError as error:
        raise SettingsError(f"out: can't write to {out}: {error.strerror or error}") from error


def _generate(rows: int, out: Path, seed: int, report: Callable[[float], None]) -> SampleSummary:
    # One random generator per stage: a change to one stage does not change the draws of the others.
    for_artists, for_tracks, for_ids, for_playlists, for_catalog = (
        np.random.default_rng([seed, stage]) for stage in range(5)
    )
    artists = draw_artists(rows, for_artists)
    report(0.04)
    tracks = draw_tracks(rows, artists, for_tracks)
    track_ids = _repeat_some(base62_ids(rows, for_ids), for_ids)
    report(0.12)
    memberships = draw_playlists(tracks, artists, for_playlists)
    playlist_ids = base62_ids(memberships.playlists, for_ids)
    report(0.45)
    catalog, playlists = out / "catalog.csv", out / "playlists.csv"
    write_playlists(
        playlists,
        memberships,
        track_ids,
        playlist_ids,
        progress=lambda share: report(0.45 + 0.1 * share),
    )
    broken = write_catalog(
        catalog,
        tracks,
        track_ids,
        artists.name,
        rng=for_catalog,
        progress=lambda share: report(0.55 + 0.45 * share),
    )
    return SampleSummary(
        catalog=catalog,
        playlists=playlists,
        rows=rows,
        broken_rows=broken,
        artists=len(artists.name),
        playlist_count=memberships.playlists,
        memberships=len(memberships.track),
    )


def _repeat_some(ids: pa.StringArray, rng: np.random.Generator) -> pa.StringArray:
    count = int(len(ids) * _REPEATED)
    rows = np.arange(len(ids))
    rows[rng.choice(len(ids), size=count, replace=False)] = rng.integers(0, len(ids), size=count)
    return ids.take(pa.array(rows))
