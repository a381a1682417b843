"""Alertmanager's webhook: an alert that fires may start a training run."""

from __future__ import annotations

import logging
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from segue.keys import Scope
from serving.errors import Unavailable
from serving.gateway import schemas
from serving.gateway.access import needs
from serving.gateway.documentation import ERRORS
from serving.gateway.gateway import Gateway, gateway_of
from serving.gateway.json_route import JsonResponse, JsonRoute
from serving.gateway.retrain import claim_start, release_start

__all__ = ["router"]

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/api", route_class=JsonRoute, tags=["operations"], responses=ERRORS)

_Labels = dict[str, str]
_EXAMPLE: dict[str, Any] = {
    "version": "4",
    "status": "firing",
    "receiver": "segue-retrain",
    "groupKey": '{}:{alertname="SegueCatalogDrift"}',
    "groupLabels": {"alertname": "SegueCatalogDrift"},
    "commonLabels": {"alertname": "SegueCatalogDrift", "severity": "ticket"},
    "commonAnnotations": {},
    "externalURL": "http://alertmanager:9093",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "SegueCatalogDrift", "feature": "energy"},
            "annotations": {"summary": "energy has moved"},
            "startsAt": "2026-11-24T06:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c0ffee0123456789",
        }
    ],
}


class Alert(BaseModel):
    """One alert of a group."""

    model_config = ConfigDict(extra="allow")

    status: Literal["firing", "resolved"]
    labels: _Labels
    annotations: _Labels = {}


class AlertGroup(BaseModel):
    """What Alertmanager sends, version 4 of its webhook; the fields that are looked at."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_EXAMPLE]})

    version: Literal["4"]
    status: Literal["firing", "resolved"]
    receiver: str = ""
    alerts: list[Alert] = Field(min_length=1, max_length=1_000)


@router.post(
    "/alerts",
    response_model=schemas.AlertsAnswer,
    status_code=200,
    summary="Alertmanager's webhook",
    dependencies=[needs(Scope.ADMIN)],
)
async def post_alerts(request: Request, group: AlertGroup) -> Response:
    """Start a training run, unless one was started lately. Says in words what became of it."""
    gateway = gateway_of(request)
    names = sorted({alert.labels.get("alertname", "?") for alert in group.alerts if alert.status == "firing"})
    reason = await _act(gateway, names) if names else "no alert fires"
    if names and reason:
        # logged, since Alertmanager drops the answer
        logger.info("no run for alert %s: %s", ", ".join(names), reason)
    value = {"started": reason is None, "reason": reason or f"started for {', '.join(names)}"}
    return JsonResponse(value)


async def _act(gateway: Gateway, names: list[str]) -> str | None:
    """Start a run; the reason if none was started, else None."""
    settings, retrainer = gateway.settings, gateway.retrainer
    if retrainer is None:
        return "not configured: SEGUE_RETRAIN_COMMAND is empty"
    channel = gateway.store_view.channel_named(None)
    refused = await gateway.with_store(
        lambda: claim_start(
            gateway.store_view.store,
            channel,
            cooldown_seconds=settings.retrain_cooldown_seconds,
            most_a_day=settings.retrain_most_a_day,
        )
    )
    if refused:
        return refused
    try:
        await retrainer.start(f"alert {', '.join(names)}")
    except OSError as error:
        await gateway.with_store(lambda: release_start(gateway.store_view.store, channel), "the store")
        raise Unavailable(f"the retraining command can't be started: {error}") from None
    return None
