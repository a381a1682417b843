"""Track and audio features objects in the form of Spotify's API."""

from __future__ import annotations

from typing import Any

from segue.catalog.columns import SOUND
from serving.gateway.aliases import is_native
from serving.gateway.artwork.covers import spotify_image
from serving.gateway.served_catalogue import ServedCatalogue

__all__ = ["Writer"]

_OPEN = "https://open.spotify.com"


class Writer:
    """Writes objects of one bundle; their `href` begin with `base`, the address of the API with ``/v1``."""

    def __init__(self, catalogue: ServedCatalogue, base: str) -> None:
        self._catalogue = catalogue
        self._ids = catalogue.identities
        self._base = base.rstrip("/")

    def track(self, row: int) -> dict[str, Any]:
        """A track object. Values that the catalogue lacks are null, or empty where clients need a value."""
        catalogue = self._catalogue
        cell = catalogue.cell
        public_id = self._ids.of_track(row)
        artists = [self._artist(row)]
        popularity, duration = cell("popularity", row), catalogue.feature("duration_ms", row)
        return {
            "album": self._album(row, artists),
            "artists": artists,
            "available_markets": [],
            "disc_number": 1,
            "duration_ms": 0 if duration is None else round(duration),
            "explicit": bool(cell("explicit", row)),
            "external_ids": {},
            **self._named("track", public_id, is_known=public_id == cell("track_id", row)),
            "is_local": False,
            "is_playable": True,
            "name": cell("track_name", row),
            "popularity": 0 if popularity is None else round(popularity),
            "preview_url": cell("preview_url", row),
            "track_number": 1,
            "type": "track",
        }

    def audio_features(self, row: int) -> dict[str, Any]:
        """An audio features object; a key that was not found is -1, as Spotify writes it."""
        feature = self._catalogue.feature
        public_id = self._ids.of_track(row)
        values = {name: feature(name, row) for name in SOUND}
        whole = {name: _whole(values[name]) for name in ("mode", "duration_ms")}
        key = values["key"]
        return {
            **values,
            **whole,
            "key": -1 if key is None else round(key),
            "time_signature": _whole(feature("time_signature", row)),
            "type": "audio_features",
            "id": public_id,
            "uri": f"spotify:track:{public_id}",
            "track_href": f"{self._base}/tracks/{public_id}",
            "analysis_url": f"{self._base}/audio-analysis/{public_id}",
        }

    def _artist(self, row: int) -> dict[str, Any]:
        public_id = self._ids.of_artist(row)
        is_known = public_id == self._catalogue.cell("artist_id", row)
        return {
            **self._named("artist", public_id, is_known=is_known),
            "name": self._catalogue.cell("artist_name", row),
            "type": "artist",
        }

    def _album(self, row: int, artists: list[dict[str, Any]]) -> dict[str, Any]:
        cell = self._catalogue.cell
        public_id = self._ids.of_album(row)
        year, image = cell("year", row), self._catalogue.image_url(row)
        return {
            "album_type": "album",
            "artists": artists,
            "available_markets": [],
            **self._named("album", public_id, is_known=public_id == cell("album_id", row)),
            "images": [] if image is None else [spotify_image(image)],
            "name": cell("album_name", row) or "",
            "release_date": None if year is None else str(year),
            "release_date_precision": "year",
            "total_tracks": 1,
            "type": "album",
        }

    def _named(self, kind: str, public_id: str, *, is_known: bool) -> dict[str, Any]:
        """The fields made from an id. The link of an alias is on this API, since Spotify does not know it."""
        href = f"{self._base}/{kind}s/{public_id}"
        link = f"{_OPEN}/{kind}/{public_id}" if is_known and is_native(public_id) else href
        return {
            "external_urls": {"spotify": link},
            "href": href,
            "id": public_id,
            "uri": f"spotify:{kind}:{public_id}",
        }


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
