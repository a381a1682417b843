"""Listeners: threads that ask for lists without end, and say what they liked."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from segue.bundle.location import BUNDLES

__all__ = ["Listeners", "seeds_of"]

# as in the evaluation whose lists output drift is measured against
_SEEDS = (1, 1, 2, 3, 4, 5)
_THREADS = 2
_PAUSE_SECONDS = 0.03


def seeds_of(store: Path, digest: str) -> tuple[list[str], list[str]]:
    """Ids of all tracks, and of the quarter that has the most energy."""
    bundle = store / BUNDLES / digest
    definition = json.loads((bundle / "bundle.json").read_bytes())
    ids = pq.read_table(bundle / "tracks.parquet", columns=["track_id"])["track_id"].to_pylist()
    energy = np.load(bundle / "features.npy")[:, definition["features"].index("energy")]
    loud = np.argsort(-np.nan_to_num(energy))[: len(ids) // 4]
    return ids, [ids[row] for row in loud]


class Listeners:
    """Traffic until it is stopped; `seeds` may be changed at any time."""

    def __init__(self, port: int, key: str, seeds: list[str]) -> None:
        self.seeds = seeds
        self.statuses: dict[int, int] = {}
        self._port, self._key = port, key
        self._stop = threading.Event()
        # the same listeners in every run
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(number),)) for number in range(_THREADS)
        ]

    def __enter__(self) -> Listeners:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, chance: random.Random) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
        number = 0
        while not self._stop.is_set():
            number += 1
            seeds = chance.sample(self.seeds, chance.choice(_SEEDS))
            if number % 20 == 0:
                seeds.append("no-such-track")
            body: dict[str, Any] = {"seeds": seeds, "k": 10}
            if number % 50 == 0:
                body["filters"] = {"min": {"popularity": 100.5}}
            answer = self._post(connection, "/api/recommendations", body)
            if answer.get("items") and number % 5 == 0:
                liked = chance.choice(answer["items"])
                event = {"track_id": liked["track_id"], "impression_id": answer["impression_id"]}
                self._post(connection, "/api/feedback", {**event, "event": "play"})
            time.sleep(_PAUSE_SECONDS)

    def _post(self, connection: http.client.HTTPConnection, path: str, body: object) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
        return dict(json.loads(content))
