"""What lists show, as they are served: the reference that the outputs of served lists are compared with."""

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

# Listeners give one track or some: with five, the ten best lie nearer to a seed than with one. How many of
# them give how many is not known before there are any: with these, lists of one seed alone and lists of
# five alone are both within what SegueOutputDrift calls alike.
SEEDS = (1, 1, 2, 3, 4, 5)
# 10,000 values an output: PSI of ten bins is then below 0.01 by chance.
_MAX_LISTS = 1_000
_CHUNK = 256
_OUTPUTS = ("similarity", "predicted_popularity", "score")


def shown_outputs(subject: Subject, defaults: RequestDefaults) -> dict[str, npt.NDArray[np.float32]]:
    """Values that the lists for the test seeds show, by output; seeds are drawn, `SEEDS` at a time in turn.

    Parameters
    ----------
    subject
        The bundle, and whose seeds are drawn.
    defaults
        Those that the bundle will answer with.

    Returns
    -------
    float32 [m] each, NaN where a list has no value.
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
