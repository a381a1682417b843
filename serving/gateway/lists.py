"""One recommendation: asked of the transformer, numbered, logged. Both APIs answer through here."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import Request

from segue.log.record import Api
from segue.recommend.request import Request as Instance
from serving.errors import BadRequest
from serving.gateway.gateway import gateway_of
from serving.gateway.impressions import impression_of
from serving.logs import request_id
from serving.wire import PLAIN_ID, REQUEST_ID

__all__ = ["recommend", "session_of"]

_PLAIN_ID = re.compile(PLAIN_ID)


def session_of(request: Request) -> str | None:
    """The caller's ``X-Session-Id``: opaque, and plain, since it goes into the log, else a `BadRequest`."""
    given = request.headers.get("x-session-id")
    if given is not None and not _PLAIN_ID.fullmatch(given):
        raise BadRequest(
            "X-Session-Id: expected 1 to 128 letters, digits or any of . _ : / + = @ -", field="X-Session-Id"
        )
    return given


async def recommend(
    request: Request, instance: Instance, asked: Mapping[str, Any], content: bytes, *, api: Api
) -> dict[str, Any]:
    """Answer one instance.

    It comes as a model, as it was sent, and as JSON. Returns the transformer's answer with `impression_id`
    before it.
    """
    gateway, session = gateway_of(request), session_of(request)
    started = time.perf_counter()
    answer = await gateway.transformers.recommend(content, {REQUEST_ID: request_id.get()}, session=session)
    identity, seconds = uuid.uuid4(), time.perf_counter() - started

    def log() -> None:
        catalogue = gateway.catalogue_of(answer["digest"])
        rows = catalogue.known_rows(item["track_id"] for item in answer["items"]) if catalogue else []
        impression = impression_of(
            identity,
            instance,
            asked,
            answer,
            catalogue=catalogue,
            rows=rows,
            api=api,
            session=session,
            latency_seconds=seconds,
        )
        gateway.log.put(impression)
        if catalogue is not None:
            gateway.lists.note_list(impression, catalogue, rows)

    # measured and logged once the answer is on its way: this handler does not wait for anything any more
    asyncio.get_running_loop().call_soon(log)
    return {"impression_id": str(identity), **answer}
