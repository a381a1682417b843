"""Throttle background work in a process that serves requests: pause after every piece of work.

A low thread priority is worse: a thread that is preempted while it holds the GIL blocks all requests of the
process until it is scheduled again.
"""

from __future__ import annotations

import time

__all__ = ["Throttle"]

# Limits the pause after a piece of work that took long only because its thread had to wait.
_MAX_PAUSE_SECONDS = 0.25


class Throttle:
    """Call it between pieces of work: it sleeps so that the work takes a given share of the time.

    Parameters
    ----------
    share
        Share of the time for the work, above 0; 1 never sleeps.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._pause = 1 / share - 1
        self._began = time.perf_counter()

    @property
    def is_full(self) -> bool:
        """Whether the share is 1, so that it never sleeps."""
        return self._pause == 0

    def __call__(self) -> None:
        """End a piece of work."""
        if self.is_full:
            return
        worked = time.perf_counter() - self._began
        time.sleep(min(self._pause * worked, _MAX_PAUSE_SECONDS))
        self._began = time.perf_counter()
