"""A circuit breaker: after some failures in a row no call is made for a time, then one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from serving import metrics

__all__ = ["Breaker"]

logger = logging.getLogger(__name__)


class Breaker:
    """Closed: every call passes. Open: none does, for `open_seconds`. Then half-open: one call decides.

    A failure counts if its call was made after the last failure that counted and after the last success. So
    slow calls that were made together count once, and not at all while others are answered: one caller's
    slow requests do not open it.

    `name` is what the log and the metric call the service. Not thread-safe: for one event loop.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        open_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._max_failures = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._failed = 0
        self._heard = float("-inf")
        self._opened: float | None = None
        self._trial_began: float | None = None
        self._gauge = metrics.GATEWAY_BREAKER_OPEN.labels(name)
        self._gauge.set(0)

    @property
    def is_open(self) -> bool:
        """Whether it was opened, and no call has succeeded since."""
        return self._opened is not None

    def now(self) -> float:
        """Time of this moment, for `failed`: take it when the call is made."""
        return self._clock()

    def retry_after_seconds(self) -> float:
        """Seconds to wait before the next try; 0 lets the call pass.

        A call that passes must report `succeeded` or `failed`. One that reports neither (it was cancelled)
        blocks the trial for `open_seconds`.
        """
        if self._opened is None:
            return 0.0
        now = self._clock()
        if self._trial_began is not None and now - self._trial_began < self._open_seconds:
            return max(self._open_seconds - (now - self._trial_began), 0.001)
        left = self._opened + self._open_seconds - now
        if left > 0:
            return left
        self._trial_began = now
        return 0.0

    def succeeded(self) -> None:
        """Report a call that was answered."""
        if self._opened is not None:
            logger.info("the %s answers again", self._name)
            self._gauge.set(0)
        self._failed, self._opened, self._trial_began = 0, None, None
        self._heard = self._clock()

    def failed(self, made_at: float) -> None:
        """Report a call that failed; `made_at` was `now` when it was made."""
        if made_at < self._heard:
            return
        self._heard = self._clock()
        self._failed += 1
        self._trial_began = None
        if self._failed < self._max_failures:
            return
        if self._opened is None:
            logger.warning(
                "the %s failed %d times in a row: no calls for %g s",
                self._name,
                self._failed,
                self._open_seconds,
            )
            self._gauge.set(1)
        self._opened = self._clock()
