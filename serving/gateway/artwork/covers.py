"""Puts covers that were looked up into answers; a cover not known yet is looked up for later answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from serving.gateway.artwork.spotify_images import SpotifyImages
from serving.gateway.catalogue import Catalogue

__all__ = ["add_covers", "add_spotify_covers", "spotify_image"]


def add_covers(images: SpotifyImages, tracks: Iterable[dict[str, Any] | None]) -> None:
    """Fill in `image_url` of the native API's tracks, in place."""
    if not images.is_on:
        return
    for track in tracks:
        if track is not None and track["image_url"] is None:
            track["image_url"] = images.find(track["track_id"])


def add_spotify_covers(
    images: SpotifyImages, tracks: Iterable[dict[str, Any] | None], catalogue: Catalogue
) -> None:
    """Fill in `album.images` of Spotify-shaped tracks, in place. Spotify does not know aliases."""
    if not images.is_on:
        return
    for track in tracks:
        if track is None or track["album"]["images"]:
            continue
        if catalogue.lookup.row_of(track["id"]) is not None:
            url = images.find(track["id"])
            track["album"]["images"] = [] if url is None else [spotify_image(url)]


def spotify_image(url: str) -> dict[str, Any]:
    """An image object; its size is not known."""
    return {"url": url, "height": None, "width": None}
