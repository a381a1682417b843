"""Routes under ``/v1``. Errors are ``{"error": {"status", "message"}}``, limits are Spotify's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from segue.keys import Scope
from segue.recommend.request import Request as Instance
from serving.gateway.access import needs
from serving.gateway.artwork.covers import add_spotify_covers
from serving.gateway.documentation import SPOTIFY_ERRORS, TUNING
from serving.gateway.errors import BadRequest, NotFound
from serving.gateway.gateway import Gateway, gateway_of
from serving.gateway.lists import recommend, session_of
from serving.gateway.served_catalogue import ServedCatalogue
from serving.gateway.spotify.examples import TRACK_ID
from serving.gateway.spotify.objects import Writer
from serving.gateway.spotify.search_query import MAX_FOUND, SearchQuery
from serving.gateway.spotify.tuning import Seeds, instance_of

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["spotify"], responses=SPOTIFY_ERRORS, dependencies=[needs(Scope.READ)])

MAX_TRACKS = 50
MAX_FEATURES = 100
_Market = Annotated[str | None, Query(description="Accepted; a catalogue has no markets.")]
_Ids = Annotated[str, Query(description="Ids, a comma between them.", examples=[TRACK_ID])]
_Id = Annotated[str, Path(description="Id of a track.", examples=[TRACK_ID])]


def _answer(value: Any, **headers: str) -> Response:
    return Response(orjson.dumps(value), headers=headers, media_type="application/json")


def _base(request: Request, gateway: Gateway) -> str:
    return f"{gateway.settings.public_url or str(request.base_url).rstrip('/')}/v1"


def _listed(ids: str, most: int) -> list[str]:
    if not ids.strip():
        raise BadRequest("ids: expected at least one")
    names = [name.strip() for name in ids.split(",")]
    if len(names) > most:
        raise BadRequest(f"ids: expected at most {most}, got {len(names)}")
    return names


def _known(served: ServedCatalogue, public_id: str) -> int:
    row = served.identities.track_row(public_id)
    if row is None:
        raise NotFound(f"Non existing id: 'spotify:track:{public_id:.100}'")
    return row


@router.get("/recommendations", summary="A list from seeds", openapi_extra={"parameters": TUNING})
async def get_recommendations(request: Request) -> Response:
    """At most five seeds together. The answer's header `X-Impression-Id` is what feedback refers to."""
    gateway = gateway_of(request)
    served, parameters = gateway.served, request.query_params
    value, seeds = instance_of(parameters, served)
    instance = Instance.parse(value)
    answer = await recommend(
        gateway, instance, value, orjson.dumps(value), session=session_of(request), api="spotify"
    )
    # tracks are taken from the bundle that chose them, which may no longer be the newest
    served = gateway.served_of(answer["digest"]) or served
    base = _base(request, gateway)
    writer = Writer(served, base)
    rows = served.catalogue.rows_of([item["track_id"] for item in answer["items"]])
    tracks = [writer.track(row) for row in rows if row is not None]
    add_spotify_covers(gateway.images, tracks, served.catalogue)
    labels = [seed.label for seed in instance.seeds]
    return _answer(
        {"tracks": tracks, "seeds": _seeds(base, seeds, labels, answer)},
        **{"x-impression-id": answer["impression_id"]},
    )


def _seeds(base: str, seeds: Seeds, labels: Sequence[str], answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The seeds with the size of their pool: known seeds share one, an unknown seed has none."""
    paths = {"TRACK": "tracks", "ARTIST": "artists"}
    written = []
    for (kind, name), label in zip(seeds, labels, strict=True):
        is_known = label not in answer["unknown_seeds"]
        retrieved, left = (answer["pool"][size] if is_known else 0 for size in ("retrieved", "after_filters"))
        written.append(
            {
                "initialPoolSize": retrieved,
                "afterFilteringSize": left,
                "afterRelinkingSize": left,
                "href": f"{base}/{paths[kind]}/{quote(name, safe='')}" if kind in paths else None,
                "id": name,
                "type": kind,
            }
        )
    return written


@router.get("/recommendations/available-genre-seeds", summary="Genres that can be a seed")
async def get_genre_seeds(request: Request) -> Response:
    """Names, in alphabetical order."""
    return _answer({"genres": sorted(genre for genre, _ in gateway_of(request).catalogue.genres)})


@router.get("/search", summary="Find tracks")
async def get_search(
    request: Request,
    *,
    q: Annotated[str, Query(min_length=1, max_length=500, examples=['artist:"Nina Simone" track:sinnerman'])],
    type: Annotated[str, Query(description="`track`: a catalogue has nothing else.")] = "track",
    market: _Market = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
    offset: Annotated[int, Query(ge=0, lt=MAX_FOUND)] = 0,
) -> Response:
    """`q` takes words and the filters `artist:`, `track:`, `album:`, `genre:` and `year:`."""
    gateway = gateway_of(request)
    served = gateway.served
    if type != "track":
        raise BadRequest(f"type: expected track, got {type!r:.40}")
    query = SearchQuery.parse(q)
    writer, last = Writer(served, _base(request, gateway)), offset + limit
    total, items = await gateway.in_thread(
        lambda: _page(query, served, writer, offset, last),
        seconds=gateway.settings.search_deadline_seconds,
        what="the search",
        is_slow=False,
    )

    add_spotify_covers(gateway.images, items, served.catalogue)

    def href(start: int) -> str:
        asked = {"q": q, "type": type, "market": market, "limit": limit, "offset": start}
        given = {name: value for name, value in asked.items() if value is not None}
        return f"{_base(request, gateway)}/search?{urlencode(given)}"

    page = {
        "href": href(offset),
        "items": items,
        "limit": limit,
        "next": href(last) if total > last else None,
        "offset": offset,
        "previous": href(max(offset - limit, 0)) if offset else None,
        "total": total,
    }
    return _answer({"tracks": page})


def _page(
    query: SearchQuery, served: ServedCatalogue, writer: Writer, first: int, last: int
) -> tuple[int, list[dict[str, Any]]]:
    rows = query.find(served.catalogue)
    return len(rows), [writer.track(row) for row in rows[first:last]]


@router.get("/tracks/{public_id}", summary="A track")
async def get_track(request: Request, public_id: _Id, market: _Market = None) -> Response:  # noqa: ARG001
    """A track object."""
    gateway = gateway_of(request)
    served = gateway.served
    track = Writer(served, _base(request, gateway)).track(_known(served, public_id))
    add_spotify_covers(gateway.images, [track], served.catalogue)
    return _answer(track)


# spotipy calls "tracks/?ids="; a redirect would cost a second request
@router.get("/tracks", summary="Several tracks")
@router.get("/tracks/", include_in_schema=False)
async def get_tracks(request: Request, ids: _Ids, market: _Market = None) -> Response:  # noqa: ARG001
    """Track objects in the order of their ids, null for those that are unknown; at most 50."""
    gateway = gateway_of(request)
    served = gateway.served
    writer = Writer(served, _base(request, gateway))
    rows = [served.identities.track_row(name) for name in _listed(ids, MAX_TRACKS)]
    tracks = [None if row is None else writer.track(row) for row in rows]
    add_spotify_covers(gateway.images, tracks, served.catalogue)
    return _answer({"tracks": tracks})


@router.get("/audio-features/{public_id}", summary="Audio features of a track")
async def get_audio_features(request: Request, public_id: _Id) -> Response:
    """An audio features object."""
    gateway = gateway_of(request)
    served = gateway.served
    return _answer(Writer(served, _base(request, gateway)).audio_features(_known(served, public_id)))


@router.get("/audio-features", summary="Audio features of several tracks")
@router.get("/audio-features/", include_in_schema=False)
async def get_several_audio_features(request: Request, ids: _Ids) -> Response:
    """Audio features in the order of their ids, null for those that are unknown; at most 100."""
    gateway = gateway_of(request)
    served = gateway.served
    writer = Writer(served, _base(request, gateway))
    rows = [served.identities.track_row(name) for name in _listed(ids, MAX_FEATURES)]
    features = [None if row is None else writer.audio_features(row) for row in rows]
    return _answer({"audio_features": features})
