"""Probes and metrics: the routes that need no key."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from serving.gateway import schemas
from serving.gateway.gateway import gateway_of
from serving.gateway.json_route import JsonResponse

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=schemas.Health, summary="Whether the process lives")
async def get_healthz() -> Response:
    """The liveness probe: says nothing about what the gateway depends on."""
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get(
    "/readyz",
    response_model=schemas.Readiness,
    responses={503: {"model": schemas.Readiness}},
    summary="Whether requests can be answered",
)
async def get_readyz(request: Request) -> Response:
    """The readiness probe: 503 while something is missing, and what."""
    gateway = gateway_of(request)
    missing, catalogue = await gateway.missing(), gateway.catalogue_of("")
    value = {"ready": not missing, "missing": missing, "digest": catalogue.digest if catalogue else None}
    return JsonResponse(value, 503 if missing else 200)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
async def get_metrics(request: Request) -> Response:
    """All metrics of this process; no label holds a track, a user or a query."""
    gateway_of(request).measure()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
