"""A bundle in Python: recommend, search, look at its tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import orjson

from segue.api.hints import hint, near
from segue.api.tables import Recommendations, Tracks
from segue.bundle.inventory import list_evaluations
from segue.bundle.reader import BundleFiles, open_bundle
from segue.bundle.urls import parse_bundle_url
from segue.errors import RequestError, UnknownSeeds
from segue.recommend.answer import Answer
from segue.recommend.model import Bundle
from segue.recommend.names import find_track
from segue.recommend.recommender import Recommender
from segue.recommend.request import Filters, Request, Seed
from segue.recommend.rerank import LocalRanker
from segue.search import SearchIndex
from segue.store.open import open_store

__all__ = ["Model", "SeedLike", "open"]

SeedLike = str | Seed | Mapping[str, Any]

_RULES = (set(Request.model_fields) | set(Filters.model_fields)) - {"seeds"}


class Model:
    """An opened bundle, which recommends and searches.

    Parameters
    ----------
    files
        The bundle's files.
    threads
        Threads for LightGBM.

    Attributes
    ----------
    digest
        sha256 that names the bundle.
    bundle
        Its arrays, for what this class does not offer.
    """

    def __init__(self, files: BundleFiles, *, threads: int = 2) -> None:
        self.files = files
        self.digest = files.digest
        self.bundle = Bundle(files.definition, files.path)
        self.recommender = Recommender(self.bundle)
        self._threads = threads

    def __repr__(self) -> str:
        return f"Model({self.files.url!r}, {self.bundle.size:,} tracks)"

    @cached_property
    def ranker(self) -> LocalRanker:
        """The boosters, in this process."""
        return LocalRanker(self.files.definition, self.files.path, threads=self._threads)

    @property
    def tracks(self) -> Tracks:
        """All tracks of the bundle, sorted by id."""
        return Tracks(self.bundle, np.arange(self.bundle.size))

    @cached_property
    def genres(self) -> dict[str, int]:
        """Genres that can be a seed or a filter, and the number of their tracks, the largest first."""
        return dict(self.bundle.genres)

    @cached_property
    def index(self) -> SearchIndex:
        """The search index of titles and artists."""
        return SearchIndex(self.files.path("search.sqlite"))

    @cached_property
    def evaluation(self) -> dict[str, Any]:
        """What was measured on this bundle when it was last published, as in ``metrics.json`` of its report.

        Empty where nothing is stored with it, as for a folder without a store.
        """
        address = parse_bundle_url(self.files.url)
        if address.store is None:
            return {}
        store = open_store(address.store)
        runs = list_evaluations(store, self.digest).values()
        newest = next((key for keys in runs for key in keys if key.endswith("/metrics.json")), None)
        return {} if newest is None else orjson.loads(store.read(newest))

    def search(
        self,
        words: str | None = None,
        *,
        artist: str | None = None,
        title: str | None = None,
        limit: int = 20,
    ) -> Tracks:
        """Find tracks by words of artist and title, in any order; one typo is tolerated.

        Parameters
        ----------
        words, artist, title
            Words of either, of the artist alone, or of the title alone. All that are given must match.
        limit
            Number of tracks, at most 1,000.
        """
        found = self.index.search(words, artist=artist, track=title, limit=limit)
        return Tracks(self.bundle, np.array(found, np.int64))

    def recommend(
        self, seeds: SeedLike | Sequence[SeedLike] = (), *, k: int = 20, **rules: Any
    ) -> Recommendations:
        """Recommend tracks like the seeds.

        Parameters
        ----------
        seeds
            One or several, each a track id, ``"artist - title"``, or a mapping of a request, such as
            ``{"artist": "Nina Simone", "weight": 0.5}`` or ``{"genre": "jazz"}``. A negative weight means
            less like this. None are needed if `rules` has ``features``.
        k
            Length of the list, 1 to 100.
        **rules
            Fields of a request (``features``, ``target``, ``popularity_weight``, ``diversity``,
            ``max_per_artist``, ``candidates``, ``explain``) and of its filters (``genres``, ``year``,
            ``min``, ``max``, ``explicit``, ``exclude_artists``, ``exclude_tracks``).

        Raises
        ------
        RequestError
            A seed or rule is wrong or unknown; the message names it, and what is near.

        Examples
        --------
        >>> model.recommend("Nina Simone - Sinnerman", k=5, year=(1955, 1969))  # doctest: +SKIP
        """
        request = Request.parse(_instance(seeds, {"k": k, **rules}))
        return Recommendations(self.bundle, self.answer(self.named(request)))

    def named(self, request: Request) -> Request:
        """The request with a track id for each seed that is given as ``artist - title``."""
        seeds = [
            seed
            if seed.track_id is None
            else seed.model_copy(update={"track_id": find_track(self.bundle, seed.track_id)})
            for seed in request.seeds
        ]
        return request.model_copy(update={"seeds": seeds})

    def answer(self, request: Request) -> Answer:
        """Answer a request by the code that the service runs.

        Raises
        ------
        UnknownSeeds
            No seed is in the catalogue; the message says what is near.
        RequestError
            The request does not fit this bundle.
        """
        try:
            return self.recommender.recommend([request], self.ranker)[0]
        except UnknownSeeds as error:
            raise UnknownSeeds(error.seeds, hint=self.hint(error.seeds[0])) from None

    def hint(self, seed: str) -> str:
        """What may be meant by an unknown seed, as ``did you mean …?``; empty if nothing is near."""
        return hint(self.bundle, self.index, seed)


def open(url: str, *, threads: int = 2) -> Model:
    """Open a bundle.

    Parameters
    ----------
    url
        A bundle (a folder, ``STORE/bundles/DIGEST``) or a channel (``STORE/channels/champion``), on this
        machine or at ``s3://``.
    threads
        Threads for LightGBM.

    Raises
    ------
    BundleError
        The bundle is missing, broken, or of another version.
    ChannelError
        No bundle was promoted to the channel yet.
    StoreError
        The store failed.

    Examples
    --------
    >>> model = segue.open(".segue/demo/channels/champion")  # doctest: +SKIP
    """
    return Model(open_bundle(str(url)), threads=threads)


def _instance(seeds: SeedLike | Sequence[SeedLike], rules: Mapping[str, Any]) -> dict[str, Any]:
    """One instance of the service; fields of the filters may stand beside those of the request."""
    several = [seeds] if isinstance(seeds, str | Seed | Mapping) else list(seeds)
    instance: dict[str, Any] = {"seeds": [_plain(seed) for seed in several]}
    filters: dict[str, Any] = {}
    for name, value in rules.items():
        if name not in _RULES:
            raise RequestError(name, f"there is no such rule{near(name, _RULES)}")
        part = filters if name in Filters.model_fields else instance
        part[name] = list(value) if isinstance(value, tuple | set) else value
    return {**instance, "filters": {**instance.get("filters", {}), **filters}}


def _plain(seed: SeedLike) -> Any:
    return seed.model_dump(exclude_none=True) if isinstance(seed, Seed) else seed
