"""The judge: computes the metrics of lists, the same way for every method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segue.evaluate import metrics
from segue.evaluate.bootstrap import ClusterBootstrap, Figure
from segue.evaluate.metrics import Floats, Rows
from segue.evaluate.relevance import Relevance

__all__ = ["GENRE", "PLAYLIST", "Judge", "TrackFacts", "labels", "leading_metric"]

# The two metrics that can be the leading one; by playlists is preferred.
PLAYLIST = "artist_filtered_precision"
GENRE = "artist_filtered_genre_precision"


@dataclass(frozen=True, kw_only=True)
class TrackFacts:
    """The columns of the catalogue's n tracks that metrics need.

    Attributes
    ----------
    artist, recording
        int32 [n].
    genre
        int32 [n], -1 where missing.
    popularity
        float32 [n], 0-100, NaN where missing.
    embedding
        float32 [n, d], for intra-list distance.
    """

    artist: Rows
    recording: Rows
    genre: Rows
    popularity: npt.NDArray[np.float32]
    embedding: npt.NDArray[np.float32]

    @property
    def size(self) -> int:
        """Number of tracks."""
        return len(self.artist)


class Judge:
    """Computes metrics at k of lists for one set of seeds; `rounds` and `seed` are those of the bootstrap."""

    def __init__(
        self, facts: TrackFacts, relevance: Relevance, *, k: int, rounds: int = 2000, seed: int = 20240501
    ) -> None:
        self.facts = facts
        self.relevance = relevance
        self.filtered = relevance.without_own_artist(facts.artist)
        self.k = k
        self.draws = ClusterBootstrap(relevance.clusters, rounds=rounds, seed=seed)

    @property
    def seeds(self) -> Rows:
        """int32 [q]."""
        return self.relevance.seeds

    def without_own_artist(self, recs: Rows) -> Rows:
        """Lists without the tracks by the seed's own artist; the following ones move up."""
        own = self.facts.artist[recs] == self.facts.artist[self.seeds][:, None]
        return metrics.compact(recs, own)

    def leading(self, recs: Rows, metric: str) -> Floats:
        """`PLAYLIST` or `GENRE` of the lists, float64 [q]."""
        others = self.without_own_artist(recs)
        if metric == GENRE:
            return metrics.genre_precision(others, self.facts.genre, self.seeds, self.k)
        return metrics.precision(self.filtered.hits(others, self.facts.size), self.k)

    def popularity(self, recs: Rows) -> Floats:
        """Mean popularity of the first k, float64 [q]."""
        return metrics.mean_popularity(recs, self.facts.popularity, self.k)

    def per_seed(self, recs: Rows) -> dict[str, Floats]:
        """Metrics per seed by name, float64 [q] each; only those that the data defines."""
        others = self.without_own_artist(recs)
        found: dict[str, Floats] = {}
        if self.relevance.playlists:
            found |= self._by_playlist(recs, self.relevance, "")
            found |= self._by_playlist(others, self.filtered, "artist_filtered_")
        if (self.facts.genre >= 0).any():
            found[GENRE] = metrics.genre_precision(others, self.facts.genre, self.seeds, self.k)
        found["popularity"] = self.popularity(recs)
        found["artists_per_list"] = metrics.artists_per_list(recs, self.facts.artist, self.k)
        found["intra_list_distance"] = metrics.intra_list_distance(recs, self.facts.embedding, self.k)
        found["list_length"] = (recs[:, : self.k] >= 0).sum(axis=1).astype(np.float64)
        return found

    def recall(self, recs: Rows, depth: int) -> Floats:
        """Share of the relevant tracks that are among the first `depth`, float64 [q]."""
        hits = self.relevance.hits(recs[:, :depth], self.facts.size)
        return metrics.recall(hits, self.relevance.counts, depth)

    def overall(self, recs: Rows) -> dict[str, float | None]:
        """Metrics of all lists together."""
        counts = metrics.exposure(recs, self.facts.size, self.k)
        shown = _mean(self.popularity(recs))
        return {
            "coverage": metrics.coverage(counts),
            "distinct_tracks": float((counts > 0).sum()),
            "gini": metrics.gini(counts),
            "hubness": metrics.hubness(counts),
            "popularity_lift": _over(shown, _mean(self.facts.popularity[self.seeds])),
            "popularity_lift_over_catalogue": _over(shown, _mean(self.facts.popularity)),
        }

    def intervals(self, per_seed: dict[str, Floats]) -> dict[str, Figure]:
        """Mean and interval of each metric of `per_seed`."""
        return {name: self.draws.mean(values) for name, values in per_seed.items()}

    def differences(self, ours: dict[str, Floats], theirs: dict[str, Floats]) -> dict[str, Figure]:
        """Paired difference, ours minus theirs, of each metric that both have."""
        return {name: self.draws.difference(ours[name], theirs[name]) for name in ours if name in theirs}

    def _by_playlist(self, recs: Rows, relevance: Relevance, prefix: str) -> dict[str, Floats]:
        hits = relevance.hits(recs, self.facts.size)
        counts = relevance.counts
        return {
            f"{prefix}precision": metrics.precision(hits, self.k),
            f"{prefix}ndcg": metrics.ndcg(hits, counts, self.k),
            f"{prefix}r_precision": metrics.r_precision(hits, counts),
            f"{prefix}recall": metrics.recall(hits, counts, hits.shape[1]),
            f"{prefix}hit": metrics.hit(hits, self.k),
        }


def leading_metric(relevance: Relevance, facts: TrackFacts, *, min_playlists: int) -> str | None:
    """Name of the leading metric: by held-out playlists if there are enough, else by genre, else None."""
    if len(np.unique(relevance.clusters)) >= min_playlists and relevance.playlists:
        return PLAYLIST
    return GENRE if len(relevance.seeds) and (facts.genre[relevance.seeds] >= 0).any() else None


def labels(k: int, depth: int) -> dict[str, str]:
    """Titles of the metrics in the report, in its order."""
    listed = {
        "precision": f"P@{k}",
        "ndcg": f"NDCG@{k}",
        "r_precision": "R-precision",
        "recall": f"Recall@{depth}",
        "hit": f"Hit@{k}",
    }
    filtered = {f"artist_filtered_{name}": f"{label}, other artists" for name, label in listed.items()}
    return {
        PLAYLIST: filtered.pop(PLAYLIST),
        **listed,
        **filtered,
        GENRE: f"Genre P@{k}, other artists",
        "popularity": "Mean popularity",
        "artists_per_list": "Artists per list",
        "intra_list_distance": "Intra-list distance",
        "list_length": "Tracks per list",
        "coverage": "Coverage",
        "distinct_tracks": "Distinct tracks",
        "gini": "Gini of exposure",
        "hubness": "Hubness",
        "popularity_lift": "Popularity lift",
        "popularity_lift_over_catalogue": "Popularity lift over the catalogue",
    }


def _mean(values: npt.NDArray[np.floating]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None


def _over(top: float | None, bottom: float | None) -> float | None:
    return top / bottom if top is not None and bottom else None
