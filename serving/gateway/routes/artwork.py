"""The cover of a track."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from segue.keys import Scope
from serving.gateway.access import needs
from serving.gateway.artwork.covers import draw_cover
from serving.gateway.documentation import ERRORS
from serving.gateway.gateway import gateway_of

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["native"], responses=ERRORS)

_DAY = "private, max-age=86400"
_SOON = "private, max-age=30"
# a drawn cover contains names from the catalogue: no scripts, no other resources
_SAFE = {"content-security-policy": "default-src 'none'", "x-content-type-options": "nosniff"}


@router.get(
    "/tracks/{track_id:path}/image",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}, 302: {"description": "Where the cover is"}},
    summary="The cover of a track",
    dependencies=[needs(Scope.READ)],
)
async def get_image(request: Request, track_id: str) -> Response:
    """Leads to the cover where one is known; else one is drawn."""
    gateway = gateway_of(request)
    catalogue = gateway.catalogue
    row = catalogue.row_of(track_id)
    known = catalogue.image_url(row) or gateway.images.find(track_id)
    if known is not None:
        return Response(status_code=302, headers={"location": known, "cache-control": _DAY})
    cover = draw_cover(track_id, catalogue.cell("track_name", row), catalogue.cell("artist_name", row))
    lasts = _DAY if gateway.images.is_settled(track_id) else _SOON
    return Response(cover, headers={**_SAFE, "cache-control": lasts}, media_type="image/svg+xml")
