"""The circuit breaker, on a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from prometheus_client import REGISTRY

from serving.gateway.breaker import Breaker


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("test", failures=3, open_seconds=10, clock=clock)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.retry_after_seconds() == 0
        breaker.failed(breaker.now())


def test_it_lets_all_pass_until_it_fails_so_often_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    assert breaker.retry_after_seconds() == 10
    assert REGISTRY.get_sample_value("segue_gateway_breaker_open", {"target": "test"}) == 1


def test_it_lets_one_try_after_a_while(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 9.5
    assert breaker.retry_after_seconds() == 0.5
    clock.now += 0.5
    assert breaker.retry_after_seconds() == 0
    # the others wait for what comes of it
    assert breaker.retry_after_seconds() > 0
    breaker.succeeded()
    assert breaker.retry_after_seconds() == 0
    assert not breaker.is_open
    assert REGISTRY.get_sample_value("segue_gateway_breaker_open", {"target": "test"}) == 0


def test_it_opens_again_at_once_when_the_try_fails(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    fail(breaker, 1)
    assert breaker.retry_after_seconds() == 10


def test_it_gives_up_a_try_that_never_ends(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 10
    assert breaker.retry_after_seconds() == 0
    clock.now += 10
    assert breaker.retry_after_seconds() == 0


def test_it_counts_calls_that_were_made_together_once(breaker: Breaker, clock: Clock) -> None:
    for _ in range(2):
        made_at = [breaker.now()] * 20
        clock.now += 5
        for moment in made_at:
            breaker.failed(moment)
            clock.now += 0.001
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open


def test_it_counts_no_failure_of_a_call_that_others_overtook(breaker: Breaker, clock: Clock) -> None:
    for _ in range(10):
        slow = breaker.now()
        clock.now += 3
        breaker.succeeded()
        clock.now += 2
        breaker.failed(slow)
    assert not breaker.is_open
