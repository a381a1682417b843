"""Feedback on lists, and the statistics of the monitoring page."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from segue.keys import Scope
from segue.log.record import Feedback
from segue.log.stats import read_stats
from serving.errors import Unavailable
from serving.gateway import schemas
from serving.gateway.access import needs
from serving.gateway.documentation import ERRORS, SESSION
from serving.gateway.gateway import gateway_of
from serving.gateway.json_route import JsonResponse, JsonRoute
from serving.gateway.lists import session_of
from serving.gateway.stats import RECENT_READ, describe_stats

__all__ = ["router"]

router = APIRouter(prefix="/api", route_class=JsonRoute, tags=["native"], responses=ERRORS)

_STATS_SECONDS = 10.0
_MAX_HOURS = 2_160
_BUCKETS = 48


@router.post(
    "/feedback",
    response_model=schemas.FeedbackAnswer,
    status_code=202,
    summary="Say what a listener did with a track of a list",
    dependencies=[needs(Scope.FEEDBACK)],
    openapi_extra={"parameters": [SESSION]},
)
async def post_feedback(request: Request, feedback: schemas.FeedbackRequest) -> Response:
    """Taken at once and written soon; the same `feedback_id` counts once."""
    gateway = gateway_of(request)
    identity = feedback.feedback_id or uuid.uuid4()
    is_taken = gateway.log.put(
        Feedback(
            feedback_id=identity,
            impression_id=feedback.impression_id,
            track_id=feedback.track_id,
            event=feedback.event,
            at=datetime.now(UTC),
            session=session_of(request),
        )
    )
    if not is_taken:
        raise Unavailable("the log takes no records now")
    gateway.lists.note_feedback(feedback.event, feedback.track_id, gateway.catalogue_of(""))
    return JsonResponse({"feedback_id": identity}, 202)


@router.get(
    "/stats",
    response_model=schemas.StatsAnswer,
    summary="What was answered lately, and how",
    dependencies=[needs(Scope.READ)],
)
async def get_stats(
    request: Request,
    hours: Annotated[float, Query(gt=0, le=_MAX_HOURS, description="How far back.")] = 24.0,
    bucket_seconds: Annotated[
        int | None,
        Query(
            ge=1,
            le=_MAX_HOURS * 3600,
            description="Width of a bucket; a forty-eighth of the time if not given.",
        ),
    ] = None,
) -> Response:
    """Figures of the log: in all, over time, the latest 50 lists, feedback, genres, decades, query drift."""
    gateway = gateway_of(request)
    since = datetime.now(UTC) - timedelta(hours=hours)
    width = bucket_seconds or max(1, round(hours * 3600 / _BUCKETS))
    stats = await gateway.in_thread(
        lambda: read_stats(gateway.database.engine, since=since, bucket_seconds=width, recent=RECENT_READ),
        seconds=_STATS_SECONDS,
        what="reading the log",
    )
    described = describe_stats(stats, gateway.catalogue_of(""))
    described["log"] = {name: getattr(gateway.log, name) for name in schemas.LogState.model_fields}
    return JsonResponse(described)
