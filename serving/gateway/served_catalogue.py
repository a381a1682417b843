"""A bundle as the gateway serves it: its catalogue and its public ids."""

from __future__ import annotations

from segue.bundle.reader import BundleFiles
from serving.gateway.catalogue import Catalogue
from serving.gateway.identities import Identities

__all__ = ["ServedCatalogue"]


class ServedCatalogue(Catalogue):
    """A catalogue with the ids of its tracks, artists and albums in the Spotify-shaped API."""

    def __init__(self, files: BundleFiles) -> None:
        super().__init__(files)
        self.identities = Identities(self)
        # looked up once, so that the first request finds the tables built
        self.lookup.artist_number(self.cell("artist_name", 0))
        self.search.search(self.cell("track_name", 0))
