"""A bundle, served and warm, as the gateway answers from it."""

from __future__ import annotations

from dataclasses import dataclass

from segue.bundle.reader import BundleFiles
from serving.gateway.catalogue import Catalogue
from serving.gateway.identities import Identities

__all__ = ["ServedCatalogue", "open_catalogue"]


@dataclass(frozen=True)
class ServedCatalogue:
    """The catalogue, and the ids under which the Spotify-shaped API knows its tracks."""

    catalogue: Catalogue
    identities: Identities


def open_catalogue(files: BundleFiles) -> ServedCatalogue:
    """Open a bundle and ask it once, so that no request meets cold tables."""
    catalogue = Catalogue(files)
    served = ServedCatalogue(catalogue, Identities(catalogue))
    catalogue.lookup.artist_number(catalogue.cell("artist_name", 0))
    catalogue.search.search(catalogue.cell("track_name", 0))
    return served
