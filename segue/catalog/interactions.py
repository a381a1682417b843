"""Playlists or listening sessions: pairs of ``playlist_id`` and ``track_id``, optionally with a position."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from segue.catalog.batches import RawBatch, Reject
from segue.catalog.checks import MISSING, NOT_WHOLE, range_text
from segue.catalog.spotify_ids import plain_ids
from segue.catalog.values import read_names, read_numbers

__all__ = ["INTERACTIONS_SCHEMA", "clean_interactions"]

INTERACTIONS_SCHEMA = pa.schema(
    [
        pa.field("playlist_id", pa.string(), nullable=False),
        pa.field("track_id", pa.string(), nullable=False),
        pa.field("position", pa.int32()),
    ]
)
_MAX_POSITION = np.iinfo(np.int32).max


def clean_interactions(batch: RawBatch) -> tuple[pa.RecordBatch, list[Reject]]:
    """Check a batch of pairs; returns those accepted, in the file's order, and the others by row."""
    count = len(batch.rows)
    ids = {name: read_names(batch.columns[name]) for name in ("playlist_id", "track_id")}
    ids["track_id"] = plain_ids(ids["track_id"])
    position = np.full(count, np.nan)
    wrong = {(name, MISSING): values.is_null().to_numpy(zero_copy_only=False) for name, values in ids.items()}
    if "position" in batch.columns:
        position, wrong["position", "not a number"] = read_numbers(batch.columns["position"])
        is_given = ~np.isnan(position)
        wrong["position", f"outside {range_text(0, _MAX_POSITION)}"] = is_given & (
            (position < 0) | (position > _MAX_POSITION)
        )
        with np.errstate(invalid="ignore"):
            wrong["position", NOT_WHOLE] = is_given & (position % 1 != 0)
    reasons: dict[int, tuple[str, str]] = {}
    for reason, mask in wrong.items():
        for i in np.flatnonzero(mask).tolist():
            reasons.setdefault(i, reason)
    keep = np.ones(count, bool)
    keep[list(reasons)] = False
    rejects = [batch.reject(i, name, why) for i, (name, why) in reasons.items()]
    kept = position[keep]
    is_missing = np.isnan(kept)
    positions = pa.array(np.where(is_missing, 0, kept).astype(np.int32), mask=is_missing)
    columns = [ids["playlist_id"].filter(pa.array(keep)), ids["track_id"].filter(pa.array(keep)), positions]
    accepted = pa.RecordBatch.from_arrays(columns, schema=INTERACTIONS_SCHEMA)
    return accepted, sorted([*batch.rejects, *rejects])
