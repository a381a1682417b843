"""A bundle as the gateway serves it: its catalogue and its public ids."""

from __future__ import annotations

from dataclasses import dataclass

from segue.bundle.reader import BundleFiles
from serving.gateway.catalogue import Catalogue
from serving.gateway.identities import Identities

__all__ = ["ServedCatalogue", "open_catalogue"]


@dataclass(frozen=True)
class ServedCatalogue:
    """A catalogue, and the ids of its tracks and artists in the Spotify-shaped API."""

    catalogue: Catalogue
    identities: Identities


def open_catalogue(files: BundleFiles) -> ServedCatalogue:
    """Open a bundle, and look one track up so that the first request finds the tables built."""
    catalogue = Catalogue(files)
    served = ServedCatalogue(catalogue, Identities(catalogue))
    catalogue.lookup.artist_number(catalogue.cell("artist_name", 0))
    catalogue.search.search(catalogue.cell("track_name", 0))
    return served
