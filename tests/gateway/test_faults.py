"""What goes wrong, made to go wrong: the transformer killed, hung, gone and back; the gateway ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.conftest import NATIVE_TRACK, Stack, make_keys, start_stack
from tests.serving.conftest import BundleStore, Family
from tests.serving.processes import Reply, call, free_port, gateway, wait_for

# minutes of starting and stopping, which `make test` must not take
pytestmark = pytest.mark.live

INSTANCE = {"seeds": [NATIVE_TRACK], "k": 5}


@pytest.fixture(scope="module")
def own(gateway_families: list[Family], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole, to be broken; each test leaves it whole."""
    with start_stack(
        tmp_path_factory.mktemp("faults"),
        gateway_families,
        breaker_failures="3",
        breaker_open_seconds="1",
        transformer_deadline_seconds="2",
    ) as stack:
        yield stack


def logged(folder: Path) -> int:
    with sqlite3.connect(folder / "segue.db") as database:
        return int(database.execute("SELECT count(*) FROM recommend_logs").fetchone()[0])


def test_it_stops_asking_a_dead_transformer_and_notices_when_it_is_back(own: Stack) -> None:
    own.transformer.kill()
    replies = [own.recommend(INSTANCE) for _ in range(6)]
    assert {reply.status for reply in replies} == {503}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in replies)
    assert "can't be reached" in replies[0].json["detail"]
    assert "left alone" in replies[-1].json["detail"]
    assert own.gateway.metric("segue_gateway_breaker_open", target="transformer") == 1
    assert call(own.gateway.http_port, "GET", "/readyz").json["missing"].keys() == {"transformer"}
    # what needs no transformer goes on
    assert own.call("GET", "/api/search?q=sinnerman").json["items"][0]["track_id"] == NATIVE_TRACK
    own.transformer.start()
    own.transformer.wait_ready()
    wait_for(lambda: own.recommend(INSTANCE).status == 200, "the breaker to close", seconds=10)
    assert own.gateway.metric("segue_gateway_breaker_open", target="transformer") == 0
    assert own.gateway.lines("answers again")


def test_it_gives_up_on_a_transformer_that_hangs_and_never_asks_it_twice(own: Stack) -> None:
    calls = own.gateway.metric("segue_gateway_transformer_calls_total", outcome="deadline")
    assert own.recommend(INSTANCE).status == 200
    os.kill(own.transformer.pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        reply = own.recommend(INSTANCE)
        seconds = time.monotonic() - started
    finally:
        os.kill(own.transformer.pid, signal.SIGCONT)
    assert (reply.status, "within 2 s" in reply.json["detail"]) == (504, True)
    assert 1.9 < seconds < 3.5
    assert own.gateway.metric("segue_gateway_transformer_calls_total", outcome="deadline") == calls + 1
    wait_for(lambda: own.recommend(INSTANCE).status == 200, "the transformer", seconds=10)


def test_it_asks_once_more_when_an_idle_connection_was_closed(own: Stack) -> None:
    wait_for(lambda: own.recommend(INSTANCE).status == 200, "the transformer")
    # a restart closes the connection that the gateway keeps
    own.transformer.stop()
    own.transformer.start()
    own.transformer.wait_ready()
    assert own.recommend(INSTANCE).status == 200


def test_it_passes_on_that_an_answer_is_degraded(own: Stack) -> None:
    own.predictor.kill()
    wait_for(lambda: own.recommend(INSTANCE).json.get("degraded"), "a degraded answer")
    own.predictor.start()
    own.predictor.wait_ready()
    wait_for(lambda: own.recommend(INSTANCE).json.get("degraded") is False, "a whole answer")

    def logged_both() -> bool:
        totals = own.call("GET", "/api/stats?hours=1").json["totals"]
        return 0 < totals["degraded"] < totals["requests"]

    wait_for(logged_both, "both in the log")


@contextlib.contextmanager
def answering(answers: Callable[[socket.socket], None]) -> Iterator[int]:
    """A transformer that does to each connection what a test says."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answers, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def ask_through(folder: Path, bundle_store: BundleStore, port: int) -> Reply:
    keys = make_keys(folder)
    served = gateway(folder, bundle_store.channel_url, transformer_url=f"http://127.0.0.1:{port}").start()
    try:
        wait_for(lambda: served.live, "the gateway", about=served.tail)
        wait_for(
            lambda: call(served.http_port, "GET", "/api/genres", headers=keys.header("all")).status == 200,
            "the bundle",
        )
        return call(served.http_port, "POST", "/api/recommendations", INSTANCE, headers=keys.header("all"))
    finally:
        keys.engine.dispose()
        assert served.stop() == 0


def test_it_tries_a_lost_connection_once_and_no_more(gateway_shelf: BundleStore, tmp_path: Path) -> None:
    calls: Counter[str] = Counter()

    def hang_up(connection: socket.socket) -> None:
        calls[connection.recv(65_536).partition(b" ")[0].decode()] += 1
        connection.close()

    with answering(hang_up) as port:
        reply = ask_through(tmp_path, gateway_shelf, port)
    assert reply.status == 503
    assert calls["POST"] == 2


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", 502),
        (b"HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\noops", 502),
        (b'HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 17\r\n\r\n{"error": "full"}', 503),
        (b"hello\r\n\r\n", 503),
    ],
)
def test_it_turns_a_strange_answer_into_an_error_of_its_own(
    gateway_shelf: BundleStore, tmp_path: Path, content: bytes, status: int
) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(content)
        connection.close()

    with answering(answer) as port:
        reply = ask_through(tmp_path, gateway_shelf, port)
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json"), (
        reply.content
    )
    if b"retry-after" in content:
        assert (reply.headers["retry-after"], reply.json["detail"]) == ("7", "full")


def test_it_finishes_what_it_has_and_writes_its_log_when_it_is_ended(
    gateway_families: list[Family], tmp_path: Path
) -> None:
    with start_stack(tmp_path, gateway_families) as stack:
        codes: Counter[int] = Counter()
        lock, gate = threading.Lock(), threading.Event()

        def client(_: int) -> None:
            while not gate.is_set():
                try:
                    status = stack.recommend(INSTANCE).status
                except OSError:
                    return
                with lock:
                    codes[status] += 1

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(client, number) for number in range(4)]
            wait_for(lambda: codes[200] > 50, "some requests")
            assert stack.gateway.stop() == 0
            gate.set()
            for one in running:
                one.result()
        assert set(codes) == {200}
        assert logged(tmp_path) == codes[200]
        stack.gateway.start()
        stack.gateway.wait_ready()


def test_it_ends_at_once_where_a_setting_is_wrong(tmp_path: Path) -> None:
    for flags, said in (
        ({"auth": "maybe"}, "--auth: Input should be 'on' or 'off', got 'maybe'"),
        ({"transformer_url": "localhost:8080"}, "--transformer_url:"),
        ({"retrain_command": "echo 'a"}, "SEGUE_RETRAIN_COMMAND: No closing quotation"),
    ):
        served = gateway(tmp_path, f"{tmp_path}/channels/x", **flags).start()
        assert served.process is not None
        assert served.process.wait(timeout=60) == 1
        assert said in served.log.read_text(encoding="utf-8")
    taken = free_port()
    with socket.create_server(("127.0.0.1", taken)):
        served = gateway(tmp_path, f"{tmp_path}/channels/x", host="127.0.0.1")
        served.http_port = taken
        served.start()
        assert served.process is not None
        assert served.process.wait(timeout=60) > 0
        assert served.lines("address already in use")
