"""What the models of the transformer and the predictor have in common."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import kserve

from serving import metrics
from serving.bundles import Versions
from serving.errors import Overloaded, ServiceError
from serving.logs import take_request_id
from serving.settings import ServingSettings
from serving.wire import REQUEST_ID

__all__ = ["ServedModel"]

logger = logging.getLogger(__name__)


class ServedModel(kserve.Model):  # type: ignore[misc]
    """A KServe model that answers from the bundles of a channel."""

    def __init__(self, settings: ServingSettings, versions: Versions[Any]) -> None:
        super().__init__(settings.model_name, return_response_headers=True)
        # kserve registers no model without this; whether the model can answer is up to `healthy`
        self.ready = True
        self.versions = versions
        self.inflight = 0
        self.pool = ThreadPoolExecutor(settings.workers, thread_name_prefix="model")
        self._max_inflight = settings.max_inflight

    @property
    def waiting_for(self) -> str:
        """Why the model can't answer yet."""
        return f"waiting for {self.versions.waiting_for}"

    def load(self) -> bool:
        """Do nothing: the channel is followed from the start. kserve may call this at any time."""
        return True

    async def healthy(self) -> bool:
        """Whether the model can answer."""
        return self.versions.is_ready

    async def __call__(
        self,
        body: Any,
        headers: Any = None,
        verb: Any = None,  # noqa: ARG002 - kserve passes it; explain is a field of an instance
    ) -> tuple[Any, dict[str, str]]:
        """Answer one call; counts it by its outcome, and limits how many instances are worked on at once."""
        started, outcome, instances = time.perf_counter(), ServiceError.outcome, 0
        identity = take_request_id(headers)
        try:
            call, size = self.read(body)
            instances = self._admit(size)
            content, response_headers, outcome = await self.answer(call)
        except ServiceError as error:
            outcome = error.outcome
            raise
        finally:
            self.inflight -= instances
            metrics.INFLIGHT.set(self.inflight)
            metrics.REQUESTS.labels(outcome).inc()
            seconds = time.perf_counter() - started
            metrics.REQUEST_SECONDS.observe(seconds)
            if logger.isEnabledFor(logging.DEBUG):
                fields = {"outcome": outcome, "instances": instances, "seconds": round(seconds, 6)}
                logger.debug("answered", extra={"fields": fields})
        return content, {**response_headers, REQUEST_ID: identity}

    def read(self, body: Any) -> tuple[Any, int]:
        """Read a body as kserve decoded it: a dict or bytes (V1), or an InferRequest (V2, gRPC).

        Returns what `answer` takes, and the number of instances that count as being worked on.
        """
        return body, 1

    async def answer(self, call: Any) -> tuple[Any, dict[str, str], str]:
        """Answer a call: the response as kserve takes it, its headers, and the call's outcome."""
        raise NotImplementedError

    def _admit(self, instances: int) -> int:
        """Count instances as being worked on. A call over the limit is admitted when there is no other."""
        if self.inflight and self.inflight + instances > self._max_inflight:
            raise Overloaded(
                f"{self.inflight} instances are being worked on, the limit is {self._max_inflight}"
            )
        self.inflight += instances
        metrics.INFLIGHT.set(self.inflight)
        return instances
