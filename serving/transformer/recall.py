"""Live recall: a sample of requests is searched again exactly, in a thread."""

from __future__ import annotations

import queue
import random
import threading
from collections import deque

import numpy as np
import numpy.typing as npt

from segue.index.exact import exact_search
from segue.recommend.model import Bundle
from segue.throttle import Throttle
from serving import metrics

__all__ = ["LiveRecall", "exact_neighbours"]

Floats = npt.NDArray[np.float32]

_NEIGHBOURS = 200
_WINDOW = 200
# About a millisecond of one CPU, which is the longest that a request has to wait.
_PIECE_ROWS = 16_384
_SHARE_BESIDE_REQUESTS = 1 / 11


class LiveRecall:
    """Compares what the index finds with exact search, for a share of the requests.

    None is sampled while another one is searched.
    """

    def __init__(self, share: float) -> None:
        self._share = share
        self._queue: queue.Queue[tuple[Bundle, Floats]] = queue.Queue(maxsize=1)
        self._seen: dict[str, deque[float]] = {}
        # not for security: decides which requests are sampled
        self._random = random.Random(5)  # noqa: S311
        if share > 0:
            threading.Thread(target=self._run, name="live-recall", daemon=True).start()

    def offer(self, bundle: Bundle, point: Floats) -> None:
        """Sample a query point, float32 [d], by chance."""
        if self._share > 0 and self._random.random() < self._share and self._queue.empty():
            self._queue.put_nowait((bundle, np.array(point, np.float32)[None, :]))

    def forget(self, digest: str) -> None:
        """End a bundle's series."""
        if self._seen.pop(digest, None) is not None:
            metrics.LIVE_RECALL.remove(digest)
            metrics.LIVE_RECALL_SAMPLES.remove(digest)

    def measure(self, bundle: Bundle, points: Floats) -> float:
        """Search with the index and exactly; returns and exports the recall."""
        wanted = min(_NEIGHBOURS, bundle.size)
        found = bundle.index.search(points, wanted)[1][0]
        exact = exact_neighbours(bundle.embedding, points, wanted)
        recall = len(np.intersect1d(found, exact)) / wanted
        window = self._seen.setdefault(bundle.digest, deque(maxlen=_WINDOW))
        window.append(recall)
        metrics.LIVE_RECALL.labels(bundle.digest).set(sum(window) / len(window))
        metrics.LIVE_RECALL_SAMPLES.labels(bundle.digest).inc()
        return recall

    def _run(self) -> None:
        while True:
            bundle, points = self._queue.get()
            self.measure(bundle, points)
            del bundle


def exact_neighbours(embedding: Floats, points: Floats, k: int) -> npt.NDArray[np.int64]:
    """Rows of the k nearest tracks of one point, int64 [k], by a throttled search of the whole matrix."""
    throttle = Throttle(_SHARE_BESIDE_REQUESTS)
    distances, rows = np.empty(0, np.float32), np.empty(0, np.int64)
    for start in range(0, len(embedding), _PIECE_ROWS):
        piece = embedding[start : start + _PIECE_ROWS]
        near, found = exact_search(points, piece, min(k, len(piece)))
        distances = np.concatenate([distances, near[0]])
        rows = np.concatenate([rows, found[0] + start])
        if len(rows) > k:
            kept = np.argsort(distances, kind="stable")[:k]
            distances, rows = distances[kept], rows[kept]
        throttle()
    return rows
