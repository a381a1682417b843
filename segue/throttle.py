"""Long work beside requests: a stretch of it, and then a pause.

A low priority does worse than pauses: a thread that is put aside while it holds the GIL, or while others
wait for it to take the GIL, stops every request of the process until the system lets it run again.
"""

from __future__ import annotations

import time

__all__ = ["Throttle"]

# However long a stretch was: one that was itself kept waiting says nothing of the work.
_MAX_PAUSE_SECONDS = 0.25


class Throttle:
    """Called between stretches of work; sleeps as long as it takes to keep to a share of the time.

    Parameters
    ----------
    share
        Share of the time that may be spent on the work, over 0; 1 never sleeps.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._pause = 1 / share - 1
        self._began = time.perf_counter()

    @property
    def is_full(self) -> bool:
        """Whether it never sleeps."""
        return self._pause == 0

    def __call__(self) -> None:
        """End a stretch of work."""
        if self.is_full:
            return
        worked = time.perf_counter() - self._began
        time.sleep(min(self._pause * worked, _MAX_PAUSE_SECONDS))
        self._began = time.perf_counter()
