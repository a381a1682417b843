"""Bundles, evaluations and channels of the store that the gateway reads its bundle from.

All calls block on the store: make them in a thread.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Any

import orjson

from segue.bundle.inventory import StoredBundle, list_bundles, list_channels, list_evaluations
from segue.bundle.urls import parse_bundle_url
from segue.store.base import Store
from segue.store.open import open_store
from serving.errors import Conflict, NotFound

__all__ = ["StoreView"]

_MAX_BUNDLES = 50
# large tables, which only the report shows
_LEFT_OUT = ("examples", "index_curve")


class StoreView:
    """The store of the gateway's bundle, and the channel followed there. A plain folder has no store."""

    def __init__(self, url: str) -> None:
        parsed = parse_bundle_url(url)
        self.channel = parsed.channel
        self._store = open_store(parsed.store) if parsed.store else None
        self._evaluation = lru_cache(maxsize=256)(self._read_evaluation)

    @property
    def store(self) -> Store:
        """The store; raises `Conflict` where the gateway serves a plain folder."""
        if self._store is None:
            raise Conflict(
                "this gateway serves a plain folder: it has no store, no channels, no other bundles"
            )
        return self._store

    def channel_named(self, name: str | None) -> str:
        """The channel to move: the one that is named, else the one that the gateway follows.

        Raises `Conflict` if none is named and the gateway follows none.
        """
        found = name or self.channel
        if found is None:
            raise Conflict("this gateway serves one bundle, not a channel: name a channel")
        return found

    def describe(self, in_service: str | None) -> dict[str, Any]:
        """Bundles with their newest evaluation, the newest bundle first, and channels by name."""
        bundles = list_bundles(self.store)[:_MAX_BUNDLES]
        channels = list_channels(self.store)
        return {
            "items": [self._bundle(bundle, in_service) for bundle in bundles],
            "channels": {name: channel.model_dump(mode="json") for name, channel in channels.items()},
            "channel": self.channel,
        }

    def report(self, digest: str) -> bytes:
        """The newest report on a bundle, HTML; raises `NotFound` if it has none."""
        for keys in list_evaluations(self.store, digest).values():
            for key in keys:
                if key.endswith("/report.html"):
                    return self.store.read(key)
        raise NotFound(f"no report on bundle {digest[:12]}")

    def _bundle(self, bundle: StoredBundle, in_service: str | None) -> dict[str, Any]:
        runs = list_evaluations(self.store, bundle.digest)
        run_id, keys = next(iter(runs.items()), (None, ()))
        names = {key.rpartition("/")[2]: key for key in keys}
        return {
            **asdict(bundle),
            "in_service": bundle.digest == in_service,
            "run_id": run_id,
            "metrics": self._evaluation(names["metrics.json"]) if "metrics.json" in names else None,
            "verdict": self._evaluation(names["verdict.json"]) if "verdict.json" in names else None,
            "report": f"/api/bundles/{bundle.digest}/report" if "report.html" in names else None,
        }

    def _read_evaluation(self, key: str) -> dict[str, Any] | None:
        """One file of an evaluation; None if it is no JSON object. A file that was written never changes."""
        try:
            value = orjson.loads(self.store.read(key))
        except orjson.JSONDecodeError:
            return None
        if not isinstance(value, dict):
            return None
        return {name: part for name, part in value.items() if name not in _LEFT_OUT}
