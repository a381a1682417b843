"""The whole under load: every answer right, everything in the log once, also while its database is killed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from segue.database.tables import FEEDBACK, RECOMMEND_ITEMS, RECOMMEND_LOGS
from segue.keys import Scope
from tests.database_servers import DatabaseServer
from tests.gateway.client import Client, expected_lists
from tests.gateway.conftest import Stack, start_stack
from tests.log.records import count, rows
from tests.serving.conftest import Family
from tests.serving.processes import wait_for

# minutes of work, which `make test` must not take
pytestmark = pytest.mark.live

CLIENTS = 6
CALLS = 300


def make_clients(stack: Stack, number: int) -> list[Client]:
    """Clients, each with a key of its own."""
    expected = expected_lists(stack)
    names = [f"client-{n}" for n in range(number)]
    for name in names:
        stack.keys.make(name, Scope.READ, Scope.FEEDBACK)
    return [Client(stack, name, expected) for name in names]


def run_all(works: Sequence[Callable[[], None]]) -> None:
    """Do all of it at once; what one of them raises is raised."""
    with ThreadPoolExecutor(len(works)) as pool:
        for running in [pool.submit(work) for work in works]:
            running.result()


def check_log(stack: Stack, clients: Sequence[Client]) -> None:
    """What the clients were shown and said is in the database, each once, and nothing else is."""
    engine = stack.keys.engine
    shown = {impression: tracks for client in clients for impression, tracks in client.lists.items()}
    said = sorted(event for client in clients for event in client.events)
    wait_for(lambda: count(engine, RECOMMEND_LOGS) >= len(shown), "the lists in the log")
    wait_for(lambda: count(engine, FEEDBACK) >= len(said), "the feedback in the log")
    wait_for(lambda: stack.gateway.metric("segue_log_spooled") == 0, "the spool to be empty")
    logged = rows(engine, RECOMMEND_LOGS)
    assert sorted(row.impression_id for row in logged) == sorted(shown)
    asked_by = {impression: client.key for client in clients for impression in client.lists}
    assert {row.impression_id: row.session for row in logged} == asked_by
    assert {row.list_size for row in logged} == {len(tracks) for tracks in shown.values()}
    assert {(row.impression_id, row.rank, row.track_id) for row in rows(engine, RECOMMEND_ITEMS)} == {
        (impression, rank, track)
        for impression, tracks in shown.items()
        for rank, track in enumerate(tracks, start=1)
    }
    assert sorted(row.feedback_id for row in rows(engine, FEEDBACK)) == said
    assert stack.gateway.metric("segue_log_lost_total") == 0


def test_it_answers_all_and_refuses_only_who_asks_too_much(
    gateway_families: list[Family], tmp_path: Path
) -> None:
    with start_stack(tmp_path, gateway_families, rate_limit_per_minute=str(CALLS)) as stack:
        *polite, greedy = clients = make_clients(stack, CLIENTS + 1)
        works = [partial(client.run, CALLS) for client in polite]
        run_all([*works, partial(greedy.ask_for_lists, 5 * CALLS)])
        assert [client.wrong for client in clients] == [[]] * len(clients)
        # within its rate nobody is refused, whatever others do
        each = {200: CALLS * 4 // 5, 202: CALLS // 5}
        assert [dict(client.codes) for client in polite] == [each] * CLIENTS
        assert set(greedy.codes) == {200, 429}
        assert greedy.codes.total() == 5 * CALLS
        assert greedy.codes[200] == len(greedy.lists) >= CALLS
        for reply in greedy.refused:
            assert 1 <= int(reply.headers["retry-after"]) <= 61
            assert reply.json["status"] == 429
        assert stack.gateway.metric("segue_gateway_rate_limited_total") == greedy.codes[429]
        check_log(stack, clients)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_it_answers_all_while_the_database_is_killed_and_logs_it_once_it_is_back(
    kind: str, gateway_families: list[Family], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: DatabaseServer = request.getfixturevalue(kind)
    with start_stack(tmp_path, gateway_families, database_url=server.make_database()) as stack:
        clients = make_clients(stack, 4)

        def go_on() -> None:
            run_all([partial(client.run, 250) for client in clients])

        go_on()
        server.kill()
        try:
            go_on()
            spooled = stack.gateway.metric("segue_log_spooled")
        finally:
            server.start()
        go_on()
        assert spooled > 0
        assert [client.wrong for client in clients] == [[]] * 4
        assert [dict(client.codes) for client in clients] == [{200: 600, 202: 150}] * 4
        check_log(stack, clients)
