"""The log's record of a list, with its diversity, mean popularity and genre precision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from uuid import UUID

import numpy as np

from segue.log.record import Api, Impression, ImpressionItem
from segue.recommend.request import Request as Instance
from segue.recommend.request import Seed
from serving.gateway.catalogue import Catalogue

__all__ = ["avg_popularity", "genre_precision", "impression_of", "known_popularity", "list_diversity"]


def impression_of(
    impression_id: UUID,
    instance: Instance,
    asked: Mapping[str, Any],
    answer: Mapping[str, Any],
    *,
    catalogue: Catalogue | None,
    rows: Sequence[int],
    api: Api,
    session: str | None,
    latency_seconds: float,
) -> Impression:
    """Make the record of a list.

    `instance` and `asked` are the request, parsed and as it was sent; `rows` are those of the list's tracks
    that the catalogue has. Without a catalogue, as the bundle is not loaded here, nothing is measured.
    """
    items = answer["items"]
    return Impression(
        impression_id=impression_id,
        at=datetime.now(UTC),
        session=session,
        api=api,
        request=asked,
        seeds=tuple(seed.label for seed in instance.seeds),
        k=_k(instance, catalogue, len(items)),
        latency_seconds=latency_seconds,
        digest=answer["digest"],
        degraded=answer["degraded"],
        list_diversity=list_diversity(catalogue, rows) if catalogue else None,
        avg_popularity=avg_popularity(catalogue, rows) if catalogue else None,
        genre_precision=genre_precision(catalogue, rows, instance) if catalogue else None,
        items=tuple(
            ImpressionItem(rank=item["rank"], track_id=item["track_id"], score=item["score"])
            for item in items
        ),
    )


def _k(instance: Instance, catalogue: Catalogue | None, seen: int) -> int:
    if instance.k is not None:
        return instance.k
    return catalogue.definition.defaults.k if catalogue else seen


def list_diversity(catalogue: Catalogue, rows: Sequence[int]) -> float | None:
    """Mean distance of a list's pairs of tracks in the embedding, in units of the bundle's scale.

    The scale is the median distance of two random tracks: 1 is as different as random tracks, 0 is identical.
    None for fewer than two tracks.
    """
    if len(rows) < 2:
        return None
    points = catalogue.embedding[list(rows)]
    products = points @ points.T
    squares = products.diagonal()
    # zero on the diagonal, exactly: x + x - 2x
    distances = squares[:, None] + squares - 2 * products
    # each pair is there twice
    total = float(np.sqrt(np.maximum(distances, 0)).sum())
    return round(total / (len(points) * (len(points) - 1)) / catalogue.definition.similarity_scale, 4)


def avg_popularity(catalogue: Catalogue, rows: Sequence[int]) -> float | None:
    """Mean popularity, 0–100, of the tracks that have one; None where none has."""
    known = known_popularity(catalogue, rows)
    return round(sum(known) / len(known), 2) if known else None


def known_popularity(catalogue: Catalogue, rows: Sequence[int]) -> list[float]:
    """Popularity, 0–100, of the tracks that have one; a list, as its mean over ten is faster in Python."""
    return [value for value in catalogue.popularity[list(rows)].tolist() if isfinite(value)]


def genre_precision(catalogue: Catalogue, rows: Sequence[int], instance: Instance) -> float | None:
    """Share of a list's tracks whose genre is that of a seed of positive weight.

    Tracks without a genre don't count. None where no seed or no track has one.
    """
    wanted: set[int] = set()
    for seed in instance.seeds:
        if seed.weight > 0:
            wanted.update(_genres(catalogue, seed))
    got = [code for code in catalogue.genre[list(rows)].tolist() if code >= 0]
    if not wanted or not got:
        return None
    return round(sum(code in wanted for code in got) / len(got), 4)


def _genres(catalogue: Catalogue, seed: Seed) -> set[int]:
    if seed.genre is not None:
        code = catalogue.transform.genre_code(seed.genre)
        return {int(code)} if np.isfinite(code) else set()
    rows: Sequence[int] = []
    if seed.track_id is not None:
        rows = catalogue.known_rows([seed.track_id])
    elif seed.artist is not None:
        number = catalogue.lookup.artist_number(seed.artist)
        rows = [] if number is None else catalogue.lookup.rows_of_artist_number(number)[:5].tolist()
    return {int(code) for code in catalogue.genre[list(rows)] if code >= 0}
