"""The stages of a call before and after the predictor's, and the time of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from segue.errors import RequestError, UnknownSeeds
from segue.recommend.answer import Answer
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request
from segue.recommend.rerank import Predictions
from segue.recommend.retrieve import Candidates
from serving import metrics
from serving.errors import invalid_request
from serving.transformer.instances import Call

__all__ = ["RERANK", "finish", "is_light", "prepare"]

Floats = npt.NDArray[np.float32]

# One plain instance takes about a millisecond, which costs least on the event loop. More goes to a thread, so
# that probes are answered in time.
_INLINE_INSTANCES = 3
_INLINE_CANDIDATES = 1_000
_RESOLVE, _RETRIEVE, RERANK, _FINISH = (
    metrics.STAGE_SECONDS.labels(stage) for stage in ("resolve", "retrieve", "rerank", "finish")
)


def is_light(requests: Sequence[Request]) -> bool:
    """Whether the work is too little to be worth a thread."""
    return len(requests) <= _INLINE_INSTANCES and all(
        not request.filters.narrows
        and not request.explain
        and not request.diversity
        and (request.candidates or 0) <= _INLINE_CANDIDATES
        and len(request.seeds) <= _INLINE_INSTANCES
        and all(seed.track_id is not None for seed in request.seeds)
        for request in requests
    )


def prepare(recommender: Recommender, call: Call) -> list[Candidates]:
    """Resolve the seeds of a call and retrieve the candidates.

    Raises a `ServiceError` that names a wrong field, or the seeds that are all unknown.
    """
    started = time.perf_counter()
    queries = []
    for i, request in enumerate(call.requests):
        try:
            queries.append(recommender.resolve(request))
        except (RequestError, UnknownSeeds) as error:
            raise invalid_request(error, prefix=call.prefix(i)) from None
    resolved = time.perf_counter()
    _RESOLVE.observe(resolved - started)
    pools = recommender.retrieve(call.requests, queries)
    _RETRIEVE.observe(time.perf_counter() - resolved)
    return pools


def finish(
    recommender: Recommender,
    requests: Sequence[Request],
    pools: Sequence[Candidates],
    predictions: Sequence[Predictions],
    contributions: Sequence[Floats | None],
) -> list[Answer]:
    """Make the lists, from what the predictor sent; without `predictions` they are degraded."""
    started = time.perf_counter()
    answers = [
        recommender.answer(request, pool, prediction, contributions=None if sent is None else _constant(sent))
        for request, pool, prediction, sent in zip_longest(requests, pools, predictions, contributions)
    ]
    _FINISH.observe(time.perf_counter() - started)
    return answers


def _constant(values: Floats) -> Callable[[Floats], Floats]:
    return lambda _: values
