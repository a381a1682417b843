"""Routes under ``/v1``. Errors are ``{"error": {"status", "message"}}``, limits are Spotify's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

import orjson
from fastapi import APIRouter, Path, Query, Request, Response

from segue.keys import Scope
from segue.recommend.request import Request as Instance
from serving.errors import BadRequest, NotFound
from serving.gateway.access import needs
from serving.gateway.artwork.covers import add_spotify_covers
from serving.gateway.documentation import SPOTIFY_ERRORS, TUNING
from serving.gateway.gateway import gateway_of
from serving.gateway.json_route import JsonResponse
from serving.gateway.lists import recommend
from serving.gateway.served_catalogue import ServedCatalogue
from serving.gateway.spotify.examples import TRACK_ID
from serving.gateway.spotify.objects import Writer
from serving.gateway.spotify.search_query import MAX_FOUND, SearchQuery
from serving.gateway.spotify.tuning import Seeds, instance_of

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["spotify"], responses=SPOTIFY_ERRORS, dependencies=[needs(Scope.READ)])

T = TypeVar("T", bound="dict[str, Any] | None")

MAX_TRACKS = 50
MAX_FEATURES = 100
_Market = Annotated[str | None, Query(description="Accepted; a catalogue has no markets.")]
_Ids = Annotated[str, Query(description="Ids, a comma between them.", examples=[TRACK_ID])]
_Id = Annotated[str, Path(description="Id of a track.", examples=[TRACK_ID])]


class _Call:
    """A call of one of these routes: the gateway, the bundle in service, and the objects written from it."""

    def __init__(self, request: Request, catalogue: ServedCatalogue | None = None) -> None:
        self.gateway = gateway_of(request)
        self.base = f"{self.gateway.settings.public_url or str(request.base_url).rstrip('/')}/v1"
        self.catalogue = catalogue or self.gateway.catalogue
        self.writer = Writer(self.catalogue, self.base)

    def row_of(self, public_id: str) -> int:
        """Row of a track; NotFound if the catalogue lacks it."""
        row = self.catalogue.identities.track_row(public_id)
        if row is None:
            raise NotFound(f"Non existing id: 'spotify:track:{public_id:.100}'")
        return row

    def each(
        self, ids: str, limit: int, write: Callable[[int], dict[str, Any]]
    ) -> list[dict[str, Any] | None]:
        """Objects in the order of their ids, None for those that are unknown."""
        rows = [self.catalogue.identities.track_row(name) for name in _listed(ids, limit)]
        return [None if row is None else write(row) for row in rows]

    def with_covers(self, tracks: list[T]) -> list[T]:
        """Fill covers in that were looked up."""
        add_spotify_covers(self.gateway.images, tracks, self.catalogue)
        return tracks


def _listed(ids: str, limit: int) -> list[str]:
    if not ids.strip():
        raise BadRequest("ids: expected at least one")
    names = [name.strip() for name in ids.split(",")]
    if len(names) > limit:
        raise BadRequest(f"ids: expected at most {limit}, got {len(names)}")
    return names


@router.get("/recommendations", summary="A list from seeds", openapi_extra={"parameters": TUNING})
async def get_recommendations(request: Request) -> Response:
    """At most five seeds together. The answer's header `X-Impression-Id` is what feedback refers to."""
    gateway = gateway_of(request)
    catalogue = gateway.catalogue
    value, seeds = instance_of(request.query_params, catalogue)
    instance = Instance.parse(value)
    answer = await recommend(request, instance, value, orjson.dumps(value), api="spotify")
    # tracks are taken from the bundle that chose them, which may no longer be the newest
    catalogue = gateway.catalogue_of(answer["digest"]) or catalogue
    call = _Call(request, catalogue)
    rows = catalogue.rows_of([item["track_id"] for item in answer["items"]])
    tracks = call.with_covers([call.writer.track(row) for row in rows if row is not None])
    labels = [seed.label for seed in instance.seeds]
    return JsonResponse(
        {"tracks": tracks, "seeds": _seeds(call.base, seeds, labels, answer)},
        headers={"x-impression-id": answer["impression_id"]},
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
    return JsonResponse({"genres": sorted(genre for genre, _ in gateway_of(request).catalogue.genres)})


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
    call = _Call(request)
    if type != "track":
        raise BadRequest(f"type: expected track, got {type!r:.40}")
    query = SearchQuery.parse(q)
    last = offset + limit

    def find() -> tuple[int, list[dict[str, Any]]]:
        rows = query.find(call.catalogue)
        return len(rows), [call.writer.track(row) for row in rows[offset:last]]

    total, items = await call.gateway.in_thread(
        find,
        seconds=call.gateway.settings.search_deadline_seconds,
        what="the search",
        is_slow=False,
    )

    def href(start: int) -> str:
        asked = {"q": q, "type": type, "market": market, "limit": limit, "offset": start}
        given = {name: value for name, value in asked.items() if value is not None}
        return f"{call.base}/search?{urlencode(given)}"

    page = {
        "href": href(offset),
        "items": call.with_covers(items),
        "limit": limit,
        "next": href(last) if total > last else None,
        "offset": offset,
        "previous": href(max(offset - limit, 0)) if offset else None,
        "total": total,
    }
    return JsonResponse({"tracks": page})


@router.get("/tracks/{public_id}", summary="A track")
async def get_track(request: Request, public_id: _Id, market: _Market = None) -> Response:  # noqa: ARG001
    """A track object."""
    call = _Call(request)
    (track,) = call.with_covers([call.writer.track(call.row_of(public_id))])
    return JsonResponse(track)


# spotipy calls "tracks/?ids="; a redirect would cost a second request
@router.get("/tracks", summary="Several tracks")
@router.get("/tracks/", include_in_schema=False)
async def get_tracks(request: Request, ids: _Ids, market: _Market = None) -> Response:  # noqa: ARG001
    """Track objects in the order of their ids, null for those that are unknown; at most 50."""
    call = _Call(request)
    return JsonResponse({"tracks": call.with_covers(call.each(ids, MAX_TRACKS, call.writer.track))})


@router.get("/audio-features/{public_id}", summary="Audio features of a track")
async def get_audio_features(request: Request, public_id: _Id) -> Response:
    """An audio features object."""
    call = _Call(request)
    return JsonResponse(call.writer.audio_features(call.row_of(public_id)))


@router.get("/audio-features", summary="Audio features of several tracks")
@router.get("/audio-features/", include_in_schema=False)
async def get_several_audio_features(request: Request, ids: _Ids) -> Response:
    """Audio features in the order of their ids, null for those that are unknown; at most 100."""
    call = _Call(request)
    return JsonResponse({"audio_features": call.each(ids, MAX_FEATURES, call.writer.audio_features)})
