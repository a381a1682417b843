"""The ingest and preprocess steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from segue.journal import Journal
from segue.steps.result import StepResult, table

if TYPE_CHECKING:
    from segue.catalog.profile import Profile
    from segue.features.preprocess import PreprocessSummary

__all__ = ["ingest", "preprocess"]


def ingest(
    catalog: str,
    out: Path,
    *,
    interactions: str = "",
    layout: Mapping[str, str] | None = None,
    max_rejected: float = 0.2,
    log: Journal | None = None,
) -> StepResult:
    """Read a catalogue, and playlists if given, into canonical Parquet; see `segue.catalog.ingest.ingest`."""
    from segue.catalog.ingest import ingest as run

    log = log or Journal("ingest")
    log.start()

    def progress(rows: int, done: int, total: int) -> None:
        log.tick(f"{rows:,} rows" + (f", {done / total:.0%}" if total else ""))

    profile = run(
        catalog,
        out,
        interactions=interactions,
        layout=layout,
        max_rejected=max_rejected,
        progress=progress,
    )
    playlists = profile.interactions
    counted = f", {playlists.playlists:,} playlists" if playlists else ""
    line = f"{profile.rows_kept:,} tracks of {profile.rows_read:,} rows, {profile.rows_rejected:,} rejected"
    return StepResult(
        line=f"{line}{counted} ({profile.layout} layout)",
        metrics={
            "rows_read": profile.rows_read,
            "rows_kept": profile.rows_kept,
            "rows_rejected": profile.rows_rejected,
            "playlists": playlists.playlists if playlists else 0,
        },
        summary=_describe(profile),
    )


def preprocess(ingested: Path, out: Path, *, log: Journal | None = None) -> StepResult:
    """De-duplicate, group recordings, split by artist, and fit the transform.

    See `segue.features.preprocess.preprocess`.
    """
    from segue.features.preprocess import preprocess as run

    log = log or Journal("preprocess")
    log.start()
    done: PreprocessSummary = run(ingested, out)
    playlists = f", {done.playlists:,} playlists" if done.playlists else ""
    figures = {name: value for name, value in done.model_dump().items() if isinstance(value, (int, float))}
    return StepResult(
        line=f"{done.tracks:,} tracks, {done.recordings:,} recordings by {done.artists:,} artists{playlists}",
        metrics=figures,
        summary=table(
            "Preprocess", ("what", "number"), [(k.replace("_", " "), v) for k, v in figures.items()]
        ),
    )


def _describe(profile: Profile) -> str:
    numbers = [
        ("rows read", profile.rows_read),
        ("rows kept", profile.rows_kept),
        ("rows rejected", profile.rows_rejected),
        ("rows whose id another row has", profile.duplicate_ids),
    ]
    text = table(f"Catalogue {profile.source}", ("what", "number"), numbers)
    if profile.reasons:
        rows = [
            (reason.column, reason.reason, reason.count, reason.examples[0].value if reason.examples else "")
            for reason in profile.reasons
        ]
        text += table("Why rows were rejected", ("column", "reason", "rows", "example"), rows)
    statistics = [
        (name, column.mean, column.std, column.min, column.max, profile.missing.get(name, 0))
        for name, column in profile.numeric.items()
    ]
    text += table("Columns", ("column", "mean", "std", "min", "max", "missing"), statistics)
    return text + table("Genres", ("genre", "tracks"), list(profile.genres.items())[:20])
