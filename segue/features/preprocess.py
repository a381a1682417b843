"""The preprocess step: deduplicated tracks sorted by id, features, the feature transform, the split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from segue.catalog.columns import SOUND
from segue.errors import TrainingError
from segue.features.fit import fit_transform, genre_vocabulary
from segue.features.recordings import artist_numbers, recording_numbers
from segue.features.split import ARTIST_SHARES, PLAYLIST_SHARES, TRAIN, split_by_hash
from segue.features.transform import FEATURES, GENRE, Floats
from segue.files import write_array, write_json, write_parquet

__all__ = ["MIN_TRACKS", "PreprocessSummary", "preprocess"]

# With fewer, a split by artist leaves too few tracks for training or evaluation.
MIN_TRACKS = 1_000


class PreprocessSummary(BaseModel):
    """Counts that preprocess reports."""

    model_config = ConfigDict(frozen=True)

    tracks: int
    duplicates: int
    without_sound: int
    artists: int
    recordings: int
    genres: int
    training_tracks: int
    playlists: int = 0
    playlist_entries: int = 0
    unknown_entries: int = 0


def preprocess(ingested: Path, out: Path) -> PreprocessSummary:
    """Write the files that training, indexing and serving read.

    Parameters
    ----------
    ingested
        Output folder of ingest: ``tracks.parquet`` and, with interactions, ``playlists.parquet``.
    out
        Folder for ``tracks.parquet`` (sorted by track_id, row i has id i in the index; with `recording` and
        `artist` numbers), ``features.npy`` float32 [n, f], ``transform.json``, ``split.npy`` uint8 [n] and
        ``playlists.parquet``.

    Raises
    ------
    TrainingError
        Fewer than `MIN_TRACKS` usable tracks.
    """
    table = pq.read_table(ingested / "tracks.parquet")
    read = table.num_rows
    table = _with_sound(table)
    without_sound = read - table.num_rows
    table = _deduplicate(table)
    tracks = table.num_rows
    if tracks < MIN_TRACKS:
        raise TrainingError(
            f"the catalogue has {tracks:,} usable tracks and at least {MIN_TRACKS:,} are needed; "
            f"{read:,} were read, {without_sound:,} of them with no sound features at all"
        )
    artist, names = artist_numbers(table["artist_name"])
    recording = recording_numbers(artist, table["track_name"])
    table = table.append_column("recording", pa.array(recording))
    table = table.append_column("artist", pa.array(artist))
    split = split_by_hash(names.to_pylist(), ARTIST_SHARES)[artist]
    training = split == TRAIN
    genres, codes = _genre_codes(table["genre"], training)
    features = _features(table, codes)
    transform = fit_transform(features, genres, training)

    write_parquet(out / "tracks.parquet", table)
    write_array(out / "features.npy", features)
    write_array(out / "split.npy", split)
    write_json(out / "transform.json", transform.model_dump(mode="json"))
    summary = PreprocessSummary(
        tracks=tracks,
        duplicates=read - without_sound - tracks,
        without_sound=without_sound,
        artists=len(names),
        recordings=int(recording.max()) + 1,
        genres=len(genres),
        training_tracks=int(training.sum()),
        **_playlists(ingested / "playlists.parquet", table["track_id"], out),
    )
    write_json(out / "summary.json", summary.model_dump())
    return summary


def _with_sound(table: pa.Table) -> pa.Table:
    """Drop tracks without any sound feature: they can't be embedded."""
    known = pc.is_valid(table[SOUND[0]])
    for name in SOUND[1:]:
        known = pc.or_(known, pc.is_valid(table[name]))
    return table if pc.all(known).as_py() else table.filter(known)


def _deduplicate(table: pa.Table) -> pa.Table:
    """Sort by track_id, in byte order; of rows with the same id keep the most popular, then the first."""
    order = pc.sort_indices(table["track_id"]).to_numpy()
    ids = table["track_id"].take(pa.array(order))
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    first = np.ones(len(ids), np.bool_)
    first[1:] = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
    if not first.all():
        popularity = pc.fill_null(table["popularity"], -1).to_numpy()[order]
        order = order[np.lexsort((order, -popularity, np.cumsum(first)))]
        order = order[first]
    return table.take(pa.array(order)).combine_chunks()


def _genre_codes(genre: pa.ChunkedArray, training: npt.NDArray[np.bool_]) -> tuple[tuple[str, ...], Floats]:
    """Vocabulary of the training tracks, and every track's code, NaN if missing or not in it."""
    encoded = pc.dictionary_encode(genre, null_encoding="mask").combine_chunks()
    names = encoded.dictionary.to_pylist()
    index = pc.fill_null(encoded.indices, -1).to_numpy()
    counts = np.bincount(index[training & (index >= 0)], minlength=len(names))
    vocabulary = genre_vocabulary(names, counts.tolist())
    position = {name: float(code) for code, name in enumerate(vocabulary)}
    # a last entry of NaN, for the index -1
    table = np.array([position.get(name, np.nan) for name in names] + [np.nan], np.float32)
    return vocabulary, table[index]


def _features(table: pa.Table, codes: Floats) -> Floats:
    features = np.empty((table.num_rows, len(FEATURES)), np.float32)
    for column, name in enumerate(FEATURES):
        if name == GENRE:
            features[:, column] = codes
        else:
            features[:, column] = pc.cast(table[name], pa.float32()).to_numpy()
    return features


def _playlists(path: Path, ids: pa.ChunkedArray, out: Path) -> dict[str, int]:
    """Write the playlist entries with row numbers for track ids, and the split of each playlist."""
    if not path.exists():
        return {}
    entries = pq.read_table(path)
    row = pc.index_in(entries["track_id"], value_set=ids.combine_chunks())
    known = pc.is_valid(row)
    entries = pa.table({"playlist_id": entries["playlist_id"], "track": row}).filter(known)
    encoded = pc.dictionary_encode(entries["playlist_id"]).combine_chunks()
    names = encoded.dictionary.to_pylist()
    # sorted, so that the result does not depend on the file's order; duplicates in a playlist are dropped
    rank = np.argsort(np.argsort(np.array(names, np.object_)))
    pair = rank[encoded.indices.to_numpy()] * (len(ids) + 1) + entries["track"].to_numpy()
    playlist, track = np.divmod(np.unique(pair), len(ids) + 1)
    names.sort()
    split = split_by_hash(names, PLAYLIST_SHARES)
    entries = pa.table(
        {
            "playlist_id": pa.array(names, pa.string()).take(pa.array(playlist)),
            "track": track.astype(np.int32),
            "split": split[playlist],
        }
    )
    write_parquet(out / "playlists.parquet", entries)
    return {
        "playlists": len(names),
        "playlist_entries": entries.num_rows,
        "unknown_entries": len(known) - pc.sum(known).as_py(),
    }
