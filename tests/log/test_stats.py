"""What the monitoring page shows, against the same figures worked out here, on each database."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine

from segue.errors import RequestError
from segue.log.insert import insert_records
from segue.log.record import Impression
from segue.log.stats import read_stats
from tests.log.records import feedback, impression

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = NOW - timedelta(hours=2)


def lists(count: int) -> list[Impression]:
    """Lists over the last two hours, each unlike the next."""
    return [
        impression(
            n,
            at=SINCE + timedelta(seconds=n * 7_200 / count, microseconds=1),
            session=None if n % 5 == 0 else f"s{n % 11}",
            latency_seconds=((n * 37) % 101) / 1000,
            degraded=n % 4 == 0,
            list_diversity=None if n % 3 == 0 else n / count,
            items=() if n % 10 == 0 else impression(n % 6).items,
        )
        for n in range(count)
    ]


def nearest_rank(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def test_it_sums_up_what_was_logged(database: Engine) -> None:
    records = lists(240)
    old = [impression(n, at=SINCE - timedelta(seconds=1 + n)) for n in range(5)]
    events = [
        feedback(n=n, event=event, at=NOW) for n, event in enumerate(("play", "play", "like", "skip", "play"))
    ]
    insert_records(database, [*records, *old, *events, feedback(at=SINCE - timedelta(days=1))])
    found = read_stats(database, since=SINCE, bucket_seconds=600, recent=3, lists=100)

    totals = found.totals
    assert (totals.requests, totals.degraded, totals.empty, totals.sessions) == (240, 60, 24, 11)
    latencies = [record.latency_seconds for record in records]
    assert totals.latency_p50_seconds == nearest_rank(latencies, 0.5)
    assert totals.latency_p95_seconds == nearest_rank(latencies, 0.95)
    diversities = [record.list_diversity for record in records if record.list_diversity is not None]
    assert totals.list_diversity == pytest.approx(sum(diversities) / len(diversities))
    assert totals.avg_popularity == pytest.approx(40.0)
    assert totals.genre_precision is None

    assert [bucket.start for bucket in found.buckets] == [
        SINCE + timedelta(seconds=600 * n) for n in range(12)
    ]
    for n, bucket in enumerate(found.buckets):
        inside = records[n * 20 : (n + 1) * 20]
        assert bucket.requests == 20
        assert bucket.latency_p95_seconds == nearest_rank([r.latency_seconds for r in inside], 0.95)
        values = [r.list_diversity for r in inside if r.list_diversity is not None]
        assert bucket.list_diversity == pytest.approx(sum(values) / len(values))

    assert [one.impression_id for one in found.recent] == [r.impression_id for r in reversed(records[-3:])]
    assert found.recent[0].at == records[-1].at
    assert found.recent[0].seeds == records[-1].seeds
    assert found.feedback == {"like": 1, "play": 3, "skip": 1}
    shown = Counter(item.track_id for record in records[-100:] for item in record.items)
    assert found.tracks == shown
    assert list(found.tracks) == sorted(shown, key=lambda track: (-shown[track], track))


def test_it_leaves_out_a_bucket_without_lists(database: Engine) -> None:
    insert_records(database, [impression(at=SINCE + timedelta(minutes=m)) for m in (1, 2, 61)])
    found = read_stats(database, since=SINCE, bucket_seconds=1_200)
    assert [(bucket.start, bucket.requests) for bucket in found.buckets] == [
        (SINCE, 2),
        (SINCE + timedelta(minutes=60), 1),
    ]


def test_it_has_nothing_to_say_of_an_empty_log(database: Engine) -> None:
    found = read_stats(database, since=SINCE, bucket_seconds=60)
    assert (found.totals.requests, found.totals.degraded, found.totals.latency_p50_seconds) == (0, 0, None)
    assert (found.buckets, found.recent, found.feedback, found.tracks) == ((), (), {}, {})


@pytest.mark.parametrize(
    ("zone", "bucket_seconds", "message"),
    [
        (None, 60, "since: expected a time with its zone"),
        (UTC, 1, "bucket_seconds: expected at least 8, got 1"),
        (UTC, 0, "bucket_seconds: expected at least 8, got 0"),
    ],
)
def test_it_refuses_what_can_not_be_drawn(zone: timezone | None, bucket_seconds: int, message: str) -> None:
    from segue.database import open_engine

    # not SINCE, which is older by as long as the tests before this one took
    since = datetime.now(zone) - timedelta(hours=2)
    with pytest.raises(RequestError, match=message):
        read_stats(open_engine("sqlite://"), since=since, bucket_seconds=bucket_seconds)
