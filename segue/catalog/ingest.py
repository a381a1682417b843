"""The first pipeline step: a catalogue becomes canonical Parquet, rejected rows and a profile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from segue.catalog.batches import RawBatch
from segue.catalog.clean import clean
from segue.catalog.columns import arrow_schema
from segue.catalog.distinct import count_distinct
from segue.catalog.fetch import fetched
from segue.catalog.interactions import INTERACTIONS_SCHEMA, clean_interactions
from segue.catalog.layouts import CATALOGUE, INTERACTIONS, check_aliases, check_targets
from segue.catalog.limits import refuse_rejects
from segue.catalog.plan import PlannedFile, as_interactions, plan_files
from segue.catalog.profile import PROFILE, FileProfile, InteractionsProfile, Profile
from segue.catalog.pump import Progress, Pump
from segue.catalog.sink import RowSink
from segue.catalog.tally import ValueTally
from segue.errors import CatalogError

__all__ = [
    "MAX_REJECTED",
    "PLAYLISTS",
    "REJECTED",
    "TRACKS",
    "Progress",
    "examine",
    "ingest",
    "refuse_rejects",
]

TRACKS = "tracks.parquet"
REJECTED = "rejected.parquet"
PLAYLISTS = "playlists.parquet"
MAX_REJECTED = 0.2


def ingest(
    source: str,
    out: Path,
    *,
    interactions: str = "",
    layout: Mapping[str, str] | None = None,
    max_rejected: float = MAX_REJECTED,
    progress: Progress | None = None,
) -> Profile:
    """Read a catalogue and write it in canonical form.

    Writes to `out`: ``tracks.parquet`` (canonical columns, order of the source), ``rejected.parquet`` (row,
    column, value, reason, file), ``profile.json`` and, with interactions, ``playlists.parquet`` (playlist_id,
    track_id, position). They are moved into place at the end, the profile last; on an error nothing changes.

    Parameters
    ----------
    source
        A file, folder or glob; ``s3://``, ``https://`` or ``kaggle://owner/dataset``. CSV, gzipped CSV or
        Parquet.
    out
        Output folder, created if missing.
    interactions
        Source of pairs playlist_id, track_id[, position]; empty: none.
    layout
        The user's aliases, file's column name -> canonical; they take precedence over the built-in ones.
    max_rejected
        Largest share of rows that may be rejected, 0 to 1.
    progress
        Called after each batch with the rows so far, the bytes so far and the total bytes.

    Raises
    ------
    CatalogError
        The catalogue can't be read, or is not one. The message names the file, what was seen, what was
        expected, and what to do.
    TooManyRejects
        More rows are rejected than `max_rejected` allows, or all are.
    InteractionsError
        Any of these errors, in the interactions.

    Examples
    --------
    >>> profile = ingest("tracks.csv", Path("ingested"))  # doctest: +SKIP
    >>> profile.rows_kept  # doctest: +SKIP
    28352
    """
    if not 0 <= max_rejected <= 1:
        raise CatalogError(f"max_rejected is {max_rejected}, expected a share between 0 and 1")
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".ingest-", dir=out) as staging:
        profile = _read(source, Path(staging), interactions, layout or {}, progress)
        refuse_rejects(profile, max_rejected)
        _move(Path(staging), out)
    return profile


def examine(
    source: str,
    *,
    interactions: str = "",
    layout: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Profile:
    """Read a catalogue as `ingest` does and return its profile, without writing files or limiting rejects."""
    with TemporaryDirectory(prefix="segue-check-") as folder:
        return _read(source, Path(folder), interactions, layout or {}, progress)


def _move(staging: Path, out: Path) -> None:
    # A profile means that the folder is complete: remove it first, write it last.
    (out / PROFILE).unlink(missing_ok=True)
    (out / PLAYLISTS).unlink(missing_ok=True)
    for path in sorted(staging.iterdir(), key=lambda path: (path.name == PROFILE, path.name)):
        path.replace(out / path.name)


def _read(
    source: str, folder: Path, interactions: str, extra: Mapping[str, str], progress: Progress | None
) -> Profile:
    check_targets(extra)
    report = progress or (lambda *_: None)
    received = partial(report, 0)
    with ExitStack() as stack:
        catalogue = plan_files(stack.enter_context(fetched(source, received=received)), CATALOGUE, extra)
        headers = {"the catalogue": catalogue[0].sniffed.header}
        pairs: list[PlannedFile] = []
        if interactions:
            with as_interactions():
                files = stack.enter_context(fetched(interactions, received=received))
                pairs = plan_files(files, INTERACTIONS, extra)
            headers["the interactions"] = pairs[0].sniffed.header
        check_aliases(extra, headers)
        total = sum(planned.bytes for planned in (*catalogue, *pairs))
        pump = stack.enter_context(closing(Pump(report, total)))
        profile = _read_catalogue(pump, catalogue, folder)
        if pairs:
            with as_interactions():
                of_pairs = _read_interactions(pump, pairs, folder)
            profile = profile.model_copy(update={"interactions": of_pairs})
    profile.save(folder / PROFILE)
    return profile


def _read_catalogue(pump: Pump, planned: Sequence[PlannedFile], folder: Path) -> Profile:
    values = ValueTally()

    def process(file: PlannedFile, batch: RawBatch) -> Callable[[], None]:
        cleaned = clean(batch, file.multi_valued)

        def write() -> None:
            sink.add(file.file.name, cleaned.accepted, cleaned.rejects)
            values.add(cleaned.accepted, cleaned.numbers)

        return write

    with RowSink.open(folder / TRACKS, arrow_schema(), folder / REJECTED) as sink:
        files = [pump.run(each, process) for each in planned]
    _refuse_empty(sink, planned)
    source = _Source.of(files)
    sink.check_encoding(source.name)
    genres, other_genres = values.genres()
    return Profile(
        source=source.name,
        sha256=source.sha256,
        layout=source.layout,
        columns=planned[0].columns,
        files=files,
        rows_read=sink.rows_read,
        rows_kept=sink.rows_kept,
        rows_rejected=sink.reasons.total,
        reasons=sink.reasons.reasons(),
        missing=values.missing(),
        numeric=values.numeric(),
        genres=genres,
        other_genres=other_genres,
        years=values.years(),
        duplicate_ids=sink.rows_kept - count_distinct(folder / TRACKS, "track_id"),
    )


def _read_interactions(pump: Pump, planned: Sequence[PlannedFile], folder: Path) -> InteractionsProfile:
    def process(file: PlannedFile, batch: RawBatch) -> Callable[[], None]:
        return partial(sink.add, file.file.name, *clean_interactions(batch))

    path = folder / PLAYLISTS
    with RowSink.open(path, INTERACTIONS_SCHEMA, None) as sink:
        files = [pump.run(each, process) for each in planned]
    _refuse_empty(sink, planned)
    source = _Source.of(files)
    return InteractionsProfile(
        source=source.name,
        sha256=source.sha256,
        files=files,
        columns=planned[0].columns,
        rows_read=sink.rows_read,
        rows_kept=sink.rows_kept,
        rows_rejected=sink.reasons.total,
        reasons=sink.reasons.reasons(),
        playlists=count_distinct(path, "playlist_id"),
        tracks=count_distinct(path, "track_id"),
    )


def _refuse_empty(sink: RowSink, planned: Sequence[PlannedFile]) -> None:
    if not sink.rows_read:
        names = ", ".join(each.file.name for each in planned[:3])
        raise CatalogError(f"{names}: there is a header but no row; expected at least one")


@dataclass(frozen=True)
class _Source:
    """Name, checksum and layout of one or more files together."""

    name: str
    sha256: str
    layout: str

    @classmethod
    def of(cls, files: Sequence[FileProfile]) -> _Source:
        first = files[0]
        if len(files) == 1:
            return cls(first.name, first.sha256, first.layout)
        sums = "".join(f"{file.sha256}  {file.name}\n" for file in files)
        layouts = {file.layout for file in files}
        return cls(
            f"{first.name} and {len(files) - 1} more",
            hashlib.sha256(sums.encode()).hexdigest(),
            first.layout if len(layouts) == 1 else "mixed",
        )
