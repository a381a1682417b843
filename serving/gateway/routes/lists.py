"""The native API: lists, search, tracks, genres."""

from __future__ import annotations

import reprlib
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.routing import APIRoute

from segue.errors import RequestError
from segue.keys import Scope
from segue.recommend.request import Request as Instance
from serving.errors import BadRequest
from serving.gateway import schemas
from serving.gateway.access import needs
from serving.gateway.artwork.covers import add_covers
from serving.gateway.documentation import ERRORS, INSTANCE_BODY, SESSION
from serving.gateway.gateway import gateway_of
from serving.gateway.json_route import JsonResponse
from serving.gateway.lists import recommend

__all__ = ["lists_route", "router"]

router = APIRouter(prefix="/api", tags=["native"], responses=ERRORS, dependencies=[needs(Scope.READ)])

MAX_TRACKS = 100
_Text = Annotated[str | None, Query(max_length=500)]


@router.post(
    "/recommendations",
    response_model=schemas.Recommendations,
    summary="A list of tracks that are near to the seeds",
    openapi_extra={"requestBody": INSTANCE_BODY, "parameters": [SESSION]},
)
async def post_recommendations(request: Request) -> Response:
    """Answer from tracks, artists, genres or raw features; `null` means the bundle's default."""
    content = await request.body()
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}", field="body") from None
    if not isinstance(value, dict):
        raise RequestError(
            "body", f"expected an object such as {{'seeds': ['id']}}, got {reprlib.repr(value)}"
        )
    instance = Instance.parse(value)
    return JsonResponse(await recommend(request, instance, value, content, api="native"))


def lists_route() -> APIRoute:
    """The route of lists."""
    return next(
        route
        for route in router.routes
        if isinstance(route, APIRoute) and route.endpoint is post_recommendations
    )


@router.get("/search", response_model=schemas.SearchAnswer, summary="Find tracks by what a person types")
async def get_search(
    request: Request,
    q: Annotated[
        _Text, Query(description="Words of artist and title in any order; the last may be unfinished.")
    ] = None,
    artist: Annotated[_Text, Query(description="Words of the artist's name.")] = None,
    track: Annotated[_Text, Query(description="Words of the title.")] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response:
    """Whole names come first, then beginnings, then what takes forgiving a typo; by popularity within."""
    gateway = gateway_of(request)
    if not (q or artist or track):
        raise BadRequest("expected q, artist or track", field="q")
    catalogue = gateway.catalogue
    found = await gateway.in_thread(
        lambda: [
            catalogue.summary(row)
            for row in catalogue.search.search(q, artist=artist, track=track, limit=limit)
        ],
        seconds=gateway.settings.search_deadline_seconds,
        what="the search",
        is_slow=False,
    )
    add_covers(gateway.images, found)
    return JsonResponse({"items": found, "digest": catalogue.digest})


@router.get("/tracks", response_model=schemas.TrackList, summary="Several tracks with their features")
async def get_tracks(
    request: Request,
    ids: Annotated[str, Query(min_length=1, max_length=51_000, description="Ids, a comma between them.")],
) -> Response:
    """Tracks in the order they were asked for; null where the catalogue lacks one. At most 100."""
    names = ids.split(",")
    if len(names) > MAX_TRACKS:
        raise BadRequest(f"expected at most {MAX_TRACKS} ids, got {len(names)}", field="ids")
    gateway = gateway_of(request)
    catalogue = gateway.catalogue
    tracks = [None if row is None else catalogue.track(row) for row in catalogue.rows_of(names)]
    add_covers(gateway.images, tracks)
    return JsonResponse({"items": tracks, "digest": catalogue.digest})


@router.get("/tracks/{track_id:path}", response_model=schemas.Track, summary="A track with its features")
async def get_track(request: Request, track_id: str) -> Response:
    """All that the catalogue knows of a track."""
    gateway = gateway_of(request)
    catalogue = gateway.catalogue
    track = catalogue.track(catalogue.row_of(track_id))
    add_covers(gateway.images, [track])
    return JsonResponse(track)


@router.get("/genres", response_model=schemas.GenreList, summary="Genres that can be a seed")
async def get_genres(request: Request) -> Response:
    """Names and numbers of tracks, the largest first."""
    catalogue = gateway_of(request).catalogue
    items = [{"genre": genre, "tracks": tracks} for genre, tracks in catalogue.genres]
    return JsonResponse({"items": items, "digest": catalogue.digest})
