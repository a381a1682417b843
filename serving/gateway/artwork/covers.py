"""Covers: those that were looked up, put into answers, and one that is drawn for a track without any."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from html import escape
from typing import Any

from serving.gateway.artwork.spotify_images import SpotifyImages
from serving.gateway.catalogue import Catalogue

__all__ = ["add_covers", "add_spotify_covers", "draw_cover", "spotify_image"]


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


def draw_cover(track_id: str, track_name: str, artist_name: str) -> bytes:
    """Draw an SVG of 300 by 300 with the artist's initials, in colours that the track's id decides.

    Title and artist are its label for screen readers.

    Examples
    --------
    >>> b">NS<" in draw_cover("1", "Sinnerman", "Nina Simone")
    True
    """
    hue, turn, tilt = hashlib.blake2b(track_id.encode(), digest_size=3).digest()
    first = hue * 360 // 256
    second = (first + 30 + turn * 60 // 256) % 360
    angle = tilt * 90 // 256
    label = escape(f"{track_name}, {artist_name}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 300" role="img" aria-label="{label}">'
        f'<defs><linearGradient id="g" gradientTransform="rotate({angle} .5 .5)">'
        f'<stop offset="0" stop-color="hsl({first} 55% 32%)"/>'
        f'<stop offset="1" stop-color="hsl({second} 60% 20%)"/></linearGradient></defs>'
        f'<rect width="300" height="300" fill="url(#g)"/>'
        f'<text x="150" y="150" fill="#fff" font-family="system-ui,sans-serif" font-size="110" '
        f'text-anchor="middle" dominant-baseline="central">{escape(_initials(artist_name))}</text></svg>'
    ).encode()


def _initials(name: str) -> str:
    """First letters of the first and last word; of a script without capitals, the first character alone."""
    words = [word for word in name.split() if word[0].isalnum()] or name.split()
    letters = [word[0].upper() for word in words]
    if len(letters) > 1 and letters[0].isascii():
        return letters[0] + letters[-1]
    return letters[0] if letters else "?"
