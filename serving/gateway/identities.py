"""Public ids of one bundle's tracks, artists and albums, and the rows that they mean."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from segue.catalog.spotify_ids import plain_id
from segue.features.recordings import fold_text
from serving.gateway.aliases import (
    AliasTable,
    alias_of,
    is_native,
    keys_of_aliases,
    keys_of_native,
    native_mask,
)
from serving.gateway.catalogue import Catalogue

__all__ = ["Identities"]


class Identities:
    """Public ids of a bundle's tracks, artists and albums.

    Their tables are built here, so that no request waits for them.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._tracks = self._track_table()
        self._artists = self._artist_table()

    def of_track(self, row: int) -> str:
        """Public id of a track."""
        track_id = str(self._catalogue.cell("track_id", row))
        return track_id if is_native(track_id) else alias_of("track", track_id)

    def of_artist(self, row: int) -> str:
        """Public id of a track's artist: the catalogue's where it has one, else the alias of the name."""
        artist_id = self._catalogue.cell("artist_id", row)
        if artist_id is not None and is_native(artist_id):
            return str(artist_id)
        return alias_of("artist", fold_text(self._catalogue.cell("artist_name", row)))

    def of_album(self, row: int) -> str:
        """Public id of a track's album; where the catalogue has none, each track is its own."""
        cell = self._catalogue.cell
        album_id = cell("album_id", row)
        if album_id is not None and is_native(album_id):
            return str(album_id)
        title = cell("album_name", row)
        name = cell("track_id", row) if title is None else f"{cell('artist_name', row)}\n{title}"
        return alias_of("album", fold_text(name))

    def track_row(self, public_id: str) -> int | None:
        """Row of a track by its public id, or by the catalogue's own, which a URI or an address may hold."""
        public_id = plain_id(public_id)
        row = self._catalogue.lookup.row_of(public_id)
        if row is not None:
            return row
        return next(
            (row for row in self._tracks.candidates(public_id) if self.of_track(row) == public_id), None
        )

    def artist_row(self, public_id: str) -> int | None:
        """A row of an artist by their public id."""
        for row in self._artists.candidates(public_id):
            if self.of_artist(row) == public_id:
                return row
        return None

    def _track_table(self) -> AliasTable:
        ids = self._catalogue.columns["track_id"]
        rows = np.flatnonzero(~native_mask(ids)).astype(np.int32)
        return AliasTable(keys_of_aliases("track", ids.take(pa.array(rows)).to_pylist()), rows)

    def _artist_table(self) -> AliasTable:
        """Artists by the ids that the catalogue has for them, by name where a track of theirs has none."""
        ids = self._catalogue.columns["artist_id"]
        names = self._catalogue.columns["artist_name"]
        codes = ids.indices.fill_null(-1).to_numpy()
        named = (codes >= 0) & np.append(native_mask(ids.dictionary), False)[codes]
        known, first = np.unique(codes[named], return_index=True)
        with_id = np.flatnonzero(named)[first]
        _, first = np.unique(self._catalogue.artist[~named], return_index=True)
        without = np.flatnonzero(~named)[first]
        folded = [fold_text(name) for name in names.take(pa.array(without)).to_pylist()]
        keys = (
            keys_of_native(ids.dictionary.take(pa.array(known)).to_pylist()),
            keys_of_aliases("artist", folded),
        )
        return AliasTable(np.concatenate(keys), np.concatenate((with_id, without)))
