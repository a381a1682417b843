"""Batch recommendation: one list for each of many seeds, by the same functions that answer a request."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from segue.errors import RequestError, UnknownSeeds
from segue.files import replacing, spreadsheet_cells
from segue.recommend.answer import Answer
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed
from segue.recommend.rerank import Ranker

__all__ = ["read_seeds", "recommend_each", "write_batch"]

# Large enough to keep every thread of FAISS and LightGBM busy, small enough for the CPU cache.
CHUNK = 256
COLUMNS = ("seed_track_id", "rank", "track_id", "score", "track_name", "artist_name")


def read_seeds(path: Path) -> list[str]:
    """Read track ids, one per line; empty lines are skipped.

    Raises
    ------
    RequestError
        The file can't be read, or contains no id.
    """
    try:
        seeds = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError("--seeds-file", f"{path} can't be read: {error}") from None
    if not seeds:
        raise RequestError("--seeds-file", f"{path} is empty; expected one track id per line")
    return seeds


def recommend_each(
    recommender: Recommender, ranker: Ranker | None, seeds: Iterable[str], template: Request
) -> Iterator[tuple[str, Answer | None]]:
    """Answer `template` once for each seed, with that seed alone.

    Yields
    ------
    (seed, answer), in the order of `seeds`; the answer is None if the seed is not in the catalogue.
    """
    lookup = recommender.bundle.lookup
    for chunk in _chunks(seeds, CHUNK):
        known = [seed for seed in chunk if lookup.row_of(seed) is not None]
        requests = [template.model_copy(update={"seeds": [Seed(track_id=seed)]}) for seed in known]
        answers = iter(recommender.recommend(requests, ranker) if requests else ())
        present = set(known)
        for seed in chunk:
            yield seed, next(answers) if seed in present else None


def write_batch(
    out: Path,
    results: Iterable[tuple[str, Answer | None]],
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """Write the lists as CSV, one recommended track a row, with the columns `COLUMNS`.

    Returns
    -------
    The seeds that are not in the catalogue.

    Raises
    ------
    UnknownSeeds
        No seed is in the catalogue; no file is written.
    """
    unknown: list[str] = []
    answered = 0
    with replacing(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for done, (seed, answer) in enumerate(results, start=1):
            if answer is None:
                unknown.append(seed)
            else:
                answered += 1
                writer.writerows(
                    spreadsheet_cells(
                        seed, item.rank, item.track_id, item.score, item.track_name, item.artist_name
                    )
                    for item in answer.items
                )
            if progress:
                progress(done)
        if not answered:
            raise UnknownSeeds(unknown[:10])
    return unknown


def _chunks(values: Iterable[str], size: int) -> Iterator[list[str]]:
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk
