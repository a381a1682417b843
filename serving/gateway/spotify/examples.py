"""Answers of the routes under ``/v1``, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any

__all__ = ["ARTIST_ID", "EXAMPLES", "TRACK_ID"]

TRACK_ID, ARTIST_ID = "53QF56cjZA9RTuuMZDrSA6", "7G1GBhoKtEPnP86X2PvEYO"
_BASE = "http://127.0.0.1:8000/v1"


def _named(kind: str, public_id: str) -> dict[str, Any]:
    return {
        "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{public_id}"},
        "href": f"{_BASE}/{kind}s/{public_id}",
        "id": public_id,
        "uri": f"spotify:{kind}:{public_id}",
        "type": kind,
    }


_ARTIST = {**_named("artist", ARTIST_ID), "name": "Nina Simone"}
_TRACK = {
    **_named("track", TRACK_ID),
    "name": "Sinnerman",
    "artists": [_ARTIST],
    "album": {
        **_named("album", "0sB3KMRPTERZkTgsTJKtqx"),
        "name": "Pastel Blues",
        "artists": [_ARTIST],
        "album_type": "album",
        "available_markets": [],
        "images": [{"url": "https://img.example/pastel.jpg", "height": None, "width": None}],
        "release_date": "1965",
        "release_date_precision": "year",
        "total_tracks": 1,
    },
    "popularity": 61,
    "duration_ms": 622_000,
    "explicit": False,
    "preview_url": None,
    "available_markets": [],
    "disc_number": 1,
    "track_number": 1,
    "external_ids": {},
    "is_local": False,
    "is_playable": True,
}
_FEATURES = {
    "acousticness": 0.576,
    "danceability": 0.535,
    "duration_ms": 622_000,
    "energy": 0.719,
    "instrumentalness": 0.0192,
    "key": 11,
    "liveness": 0.139,
    "loudness": -10.51,
    "mode": 0,
    "speechiness": 0.0479,
    "tempo": 141.4,
    "time_signature": 4,
    "valence": 0.579,
    "id": TRACK_ID,
    "type": "audio_features",
    "uri": f"spotify:track:{TRACK_ID}",
    "track_href": f"{_BASE}/tracks/{TRACK_ID}",
    "analysis_url": f"{_BASE}/audio-analysis/{TRACK_ID}",
}
_SEED = {
    "initialPoolSize": 200,
    "afterFilteringSize": 184,
    "afterRelinkingSize": 184,
    "href": f"{_BASE}/tracks/{TRACK_ID}",
    "id": TRACK_ID,
    "type": "TRACK",
}
_PAGE = {
    "href": f"{_BASE}/search?q=sinnerman&type=track&limit=1&offset=0",
    "items": [_TRACK],
    "limit": 1,
    "next": f"{_BASE}/search?q=sinnerman&type=track&limit=1&offset=1",
    "offset": 0,
    "previous": None,
    "total": 4,
}

# by path
EXAMPLES: dict[str, dict[str, Any]] = {
    "/v1/recommendations": {"tracks": [_TRACK], "seeds": [_SEED]},
    "/v1/recommendations/available-genre-seeds": {"genres": ["jazz", "rock", "soul"]},
    "/v1/search": {"tracks": _PAGE},
    "/v1/tracks/{public_id}": _TRACK,
    "/v1/tracks": {"tracks": [_TRACK, None]},
    "/v1/audio-features/{public_id}": _FEATURES,
    "/v1/audio-features": {"audio_features": [_FEATURES, None]},
}
