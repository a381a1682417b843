"""Outputs of lists as they are served: the reference for the drift of outputs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from segue.bundle.definition import RequestDefaults
from segue.evaluate.measure import Subject
from segue.recommend.answer import numbers
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed

__all__ = ["SEEDS", "shown_outputs"]

# Numbers of seeds per request, in turn. With five seeds, the ten best tracks are nearer to a seed than with
# one. The mix of listeners' requests is unknown; with this mix, SegueOutputDrift is not triggered if all
# requests have one seed, nor if all have five.
SEEDS = (1, 1, 2, 3, 4, 5)
# 10,000 values per output: PSI of ten bins is then below 0.01 by chance.
_MAX_LISTS = 1_000
_CHUNK = 256
_OUTPUTS = ("similarity", "predicted_popularity", "score")


def shown_outputs(subject: Subject, defaults: RequestDefaults) -> dict[str, npt.NDArray[np.float32]]:
    """Similarities, predictions and scores in lists for random test seeds, `SEEDS` per request.

    Returns
    -------
    float32 [m] by output, NaN where missing.
    """
    definition = subject.bundle.definition.model_copy(update={"defaults": defaults})
    recommender = Recommender(Bundle(definition, subject.bundle.path))
    requests = _requests(subject)
    found: dict[str, list[float]] = {name: [] for name in _OUTPUTS}
    for low in range(0, len(requests), _CHUNK):
        for answer in recommender.recommend(requests[low : low + _CHUNK], subject.ranker):
            for name, values in found.items():
                values.extend(numbers(answer.items, name))
    return {name: np.array(values, np.float32) for name, values in found.items()}


def _requests(subject: Subject) -> list[Request]:
    seeds = subject.test.relevance.seeds
    ids = subject.bundle.values("track_id", seeds.astype(np.int64))
    random = np.random.default_rng(subject.settings.seed)
    requests = []
    for number in range(min(len(ids), _MAX_LISTS)):
        count = min(SEEDS[number % len(SEEDS)], len(ids))
        drawn = random.choice(len(ids), count, replace=False)
        requests.append(Request(seeds=[Seed(track_id=ids[i]) for i in drawn], k=subject.settings.k))
    return requests
