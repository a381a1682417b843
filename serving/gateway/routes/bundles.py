"""Bundles of the store: read them, and as an admin promote, roll back and pin."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from segue.bundle import channel as channels
from segue.bundle.channel import Channel
from segue.keys import Scope
from segue.store.checksum import SHA256_PATTERN
from serving.gateway import schemas
from serving.gateway.access import caller_of, needs
from serving.gateway.documentation import ERRORS
from serving.gateway.gateway import gateway_of
from serving.gateway.json_route import JsonResponse, JsonRoute

__all__ = ["router"]

router = APIRouter(prefix="/api/bundles", route_class=JsonRoute, tags=["bundles"], responses=ERRORS)

_Digest = Annotated[str, Path(pattern=SHA256_PATTERN)]
_post_move = partial(router.post, response_model=schemas.ChannelState, dependencies=[needs(Scope.ADMIN)])


@router.get(
    "",
    response_model=schemas.Bundles,
    summary="Bundles with what was measured on them",
    dependencies=[needs(Scope.READ)],
)
async def get_bundles(request: Request) -> Response:
    """The newest 50, and all channels of the store."""
    gateway = gateway_of(request)
    catalogue = gateway.catalogue_of("")
    in_service = catalogue.digest if catalogue else None
    return JsonResponse(await gateway.with_store(lambda: gateway.store_view.describe(in_service)))


@router.get(
    "/{digest}/report",
    response_class=Response,
    responses={200: {"content": {"text/html": {}}}},
    summary="The newest evaluation's report",
    dependencies=[needs(Scope.READ)],
)
async def get_report(request: Request, digest: _Digest) -> Response:
    """A page that stands alone."""
    gateway = gateway_of(request)
    page = await gateway.with_store(lambda: gateway.store_view.report(digest))
    # a script in a report must not be able to call this API as the user who opens it
    headers = {"content-security-policy": "sandbox allow-scripts", "x-content-type-options": "nosniff"}
    return Response(page, headers=headers, media_type="text/html")


@_post_move("/promote", summary="Point a channel at a bundle")
async def post_promote(request: Request, move: schemas.Promotion) -> Response:
    """Refused where the channel is pinned, unless forced; the bundle's files are checked first."""
    return await _move(request, move, channels.promote)


@_post_move("/rollback", summary="Go back to the bundle before, and pin it")
async def post_rollback(request: Request, move: schemas.Move) -> Response:
    """The newest of the channel's previous bundles that is whole."""
    return await _move(request, move, channels.rollback)


@_post_move("/pin", summary="Keep pipelines from moving a channel")
async def post_pin(request: Request, move: schemas.Move) -> Response:
    """A pinned channel refuses promotion."""
    return await _move(request, move, channels.pin)


@_post_move("/unpin", summary="Let pipelines move a channel again")
async def post_unpin(request: Request, move: schemas.Move) -> Response:
    """The next promotion may come."""
    return await _move(request, move, channels.unpin)


async def _move(request: Request, move: schemas.Move, made: Callable[..., Channel]) -> Response:
    gateway = gateway_of(request)
    name = gateway.store_view.channel_named(move.channel)
    # the other fields of a move are the arguments of the function
    asked = {"by": caller_of(request), **move.model_dump(exclude={"channel"})}
    moved = await gateway.with_store(
        lambda: made(gateway.store_view.store, name, **asked), "moving the channel"
    )
    return JsonResponse(moved.model_dump(mode="json"))
