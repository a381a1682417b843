"""Requests and answers of the native API, for its documentation, its clients and its tests.

What the library has a type for is that type: a request for recommendations, the items of a list, a channel,
the log's figures. Answers are written from plain dictionaries; tests validate them against these types.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from segue.bundle.channel import Channel
from segue.bundle.inventory import BundleState
from segue.limits import ID_LENGTH
from segue.log.figures import Bucket, RecentRequest, Totals
from segue.log.record import Event
from segue.recommend.answer import Item, Pool
from segue.store.checksum import Sha256

__all__ = [
    "AlertsAnswer",
    "BundleItem",
    "Bundles",
    "ChannelState",
    "FeedbackAnswer",
    "FeedbackRequest",
    "GenreCount",
    "GenreList",
    "Health",
    "Item",
    "LogState",
    "Move",
    "Pool",
    "Problem",
    "Promotion",
    "QueryDrift",
    "Readiness",
    "RecentRequest",
    "Recommendations",
    "SearchAnswer",
    "Share",
    "StatsAnswer",
    "Track",
    "TrackList",
    "TrackSummary",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """An error, as RFC 9457 writes it; `field` and `unknown_seeds` where they apply."""

    type: str = Field(examples=["urn:segue:unknown-seeds"])
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request.")
    request_id: str
    field: str | None = None
    unknown_seeds: list[str] | None = None


class TrackSummary(_Strict):
    """A track, as lists show it. What the catalogue does not know is null."""

    track_id: str
    track_name: str
    artist_name: str
    album_name: str | None
    genre: str | None
    year: int | None
    popularity: float | None = Field(description="0–100.")
    explicit: bool | None
    duration_ms: int | None
    image_url: str | None = Field(description="The catalogue's own address of the cover.")
    preview_url: str | None
    image: str = Field(description="Path on this API that always answers with a picture.")


class Track(TrackSummary):
    """A track with all that the catalogue knows of it."""

    album_id: str | None
    artist_id: str | None
    features: dict[str, float | None] = Field(description="Raw values by name, in the catalogue's units.")


class TrackList(_Strict):
    """Tracks in the order they were asked for; null where the catalogue lacks one."""

    items: list[Track | None]
    digest: str


class SearchAnswer(_Strict):
    """Tracks found, the best match first."""

    items: list[TrackSummary]
    digest: str


class GenreCount(_Strict):
    """A genre and the number of its tracks."""

    genre: str
    tracks: int


class GenreList(_Strict):
    """All genres that can be a seed, the largest first."""

    items: list[GenreCount]
    digest: str


class Recommendations(_Strict):
    """A list. `degraded`: in the order of similarity alone, since the predictor did not answer."""

    impression_id: UUID = Field(description="Give it with feedback on a track of this list.")
    items: list[Item]
    digest: str = Field(description="The bundle that answered.")
    degraded: bool
    unknown_seeds: list[str]
    pool: Pool
    reason: str | None = Field(description="Why the list is empty, or shorter than it was asked for.")
    explanation: dict[str, Any] | None


class FeedbackRequest(BaseModel):
    """What a listener did with a recommended track."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "impression_id": "4be0643f-1d98-573b-97cd-ca98a65347dd",
                    "track_id": "53QF56cjZA9RTuuMZDrSA6",
                    "event": "like",
                }
            ]
        },
    )

    impression_id: UUID
    # what the log's tables take
    track_id: str = Field(min_length=1, max_length=ID_LENGTH, pattern=r"^[^\x00]+$")
    event: Event
    feedback_id: UUID | None = Field(
        default=None, description="Chosen by a client that may send the same event twice; it counts once."
    )


class FeedbackAnswer(_Strict):
    """The event was taken and will be written."""

    feedback_id: UUID


class ChannelState(Channel):
    """What a channel points at."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class BundleItem(_Strict):
    """A bundle of the store, and its newest evaluation."""

    digest: str
    state: BundleState
    tracks: int | None
    bytes: int
    modified: datetime
    channels: list[str] = Field(description="`name`, or `name~2` for the second of a channel's previous.")
    in_service: bool = Field(description="Whether this gateway answers from it now.")
    run_id: str | None = Field(description="Of the newest evaluation.")
    metrics: dict[str, Any] | None = Field(description="metrics.json of the newest evaluation.")
    verdict: dict[str, Any] | None = Field(description="verdict.json of the newest evaluation.")
    report: str | None = Field(description="Path on this API of its report.")


class Bundles(_Strict):
    """Bundles of the store, the newest first, and its channels by name."""

    items: list[BundleItem]
    channels: dict[str, ChannelState]
    channel: str | None = Field(description="The channel that this gateway follows.")


_Reason = Annotated[str, Field(min_length=1, max_length=500)]


class Move(BaseModel):
    """Move a channel: roll it back, pin or unpin it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "complaints about jazz"}]}
    )

    reason: _Reason
    channel: str | None = Field(default=None, description="Default: the one that this gateway follows.")


class Promotion(Move):
    """Point a channel at a bundle."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"digest": "0f" * 32, "reason": "better on jazz"}]}
    )

    digest: Sha256
    force: bool = Field(default=False, description="Move a pinned channel, too.")
    expected_generation: int | None = Field(
        default=None, ge=0, description="Refuse if somebody moved the channel meanwhile."
    )


class Share(_Strict):
    """How much of what was shown is of one genre or decade."""

    name: str
    share: float
    shown: int


class QueryDrift(_Strict):
    """How far what is asked for has moved: the newer half of the latest seeds against the older."""

    rows: int = Field(description="Seeds in each half.")
    is_enough: bool = Field(description="Fewer than 500 say nothing.")
    psi: dict[str, float] = Field(description="Population stability index by feature.")


class LogState(_Strict):
    """Records of this gateway's log."""

    queued: int
    spooled: int
    written: int
    rejected: int
    lost: int


class StatsAnswer(_Strict):
    """What was answered lately."""

    since: datetime
    bucket_seconds: int
    totals: Totals
    buckets: list[Bucket] = Field(description="Oldest first; one without requests is left out.")
    recent: list[RecentRequest] = Field(description="Newest first.")
    feedback: dict[str, int] = Field(description="Number of events by kind.")
    genres: list[Share] = Field(description="Of the tracks shown, the largest first.")
    decades: list[Share]
    drift: QueryDrift | None
    log: LogState


class AlertsAnswer(_Strict):
    """What became of the alerts."""

    started: bool
    reason: str


class Health(_Strict):
    """The process lives."""

    status: Literal["ok"]


class Readiness(_Strict):
    """Whether requests can be answered; `missing` says by part what is not there."""

    ready: bool
    missing: dict[str, str]
    digest: str | None
