"""A light HTTP client: as little work as can be beside two servers on two cores."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Outcome:
    """Latencies in seconds with the moment each call began, and what failed."""

    begun: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.elapsed

    def percentile_ms(self, share: float) -> float:
        return float(np.percentile(self.seconds, share) * 1e3)

    def add(self, other: Outcome) -> None:
        """Take in what was measured at another time."""
        self.begun += other.begun
        self.seconds += other.seconds
        self.failures += other.failures
        self.elapsed += other.elapsed

    def between(self, low: float, high: float) -> Outcome:
        """The calls that began in a stretch of time."""
        kept = [i for i, begun in enumerate(self.begun) if low <= begun < high]
        return Outcome([self.begun[i] for i in kept], [self.seconds[i] for i in kept], [], high - low)


def bodies(ids: Sequence[str], *, k: int, candidates: int) -> list[bytes]:
    """One V1 call for each id, ready to be sent."""
    made = []
    for name in ids:
        body = json.dumps({"instances": [{"seeds": [name], "k": k, "candidates": candidates}]}).encode()
        head = (
            b"POST /v1/models/segue:predict HTTP/1.1\r\nHost: bench\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        made.append(head + body)
    return made


async def _call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> str:
    writer.write(body)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    content = await reader.readexactly(length)
    if b" 200 " not in head[:16]:
        return f"{head[:16]!r} {content[:100]!r}"
    return "degraded" if b'"degraded":true' in content else ""


def closed(port: int, calls: Sequence[bytes], *, clients: int, seconds: float) -> Outcome:
    """So many clients, each calling again as soon as it has its answer."""
    outcome = Outcome()

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        turn = number * 97
        while time.perf_counter() < ends:
            begun = time.perf_counter()
            failure = await _call(reader, writer, calls[turn % len(calls)])
            outcome.begun.append(begun)
            outcome.seconds.append(time.perf_counter() - begun)
            if failure:
                outcome.failures.append(failure)
            turn += 1
        writer.close()

    async def session() -> None:
        await asyncio.gather(*[client(number) for number in range(clients)])

    started = time.perf_counter()
    ends = started + seconds
    asyncio.run(session())
    outcome.elapsed = time.perf_counter() - started
    return outcome


def in_turns(
    calls: Mapping[str, tuple[int, Sequence[bytes]]], *, clients: int, seconds: float, turns: int
) -> dict[str, Outcome]:
    """So many clients for each server in turn, again and again: ports and calls in, what was measured out.

    The speed of a shared machine changes from one second to the next, so what is compared takes short turns.
    """
    outcomes = {name: Outcome() for name in calls}
    for _ in range(turns):
        for name, (port, bodies_) in calls.items():
            outcomes[name].add(closed(port, bodies_, clients=clients, seconds=seconds / turns))
    return outcomes


def paced(
    port: int,
    calls: Sequence[bytes],
    *,
    rate: float,
    count: int,
    meanwhile: Callable[[], None] | None = None,
    meanwhile_after: float = 0.0,
    connections: int = 64,
) -> Outcome:
    """Calls at a fixed rate whatever the answers take; latency counts from when a call was due.

    `meanwhile` runs in a thread, `meanwhile_after` seconds in.
    """
    outcome = Outcome()

    async def one(due: float, body: bytes, free: asyncio.Queue) -> None:  # type: ignore[type-arg]
        reader, writer = await free.get()
        try:
            failure = await _call(reader, writer, body)
        except (OSError, asyncio.IncompleteReadError) as error:
            failure = str(error)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        free.put_nowait((reader, writer))
        outcome.begun.append(due)
        outcome.seconds.append(time.perf_counter() - due)
        if failure:
            outcome.failures.append(failure)

    async def session() -> None:
        free: asyncio.Queue = asyncio.Queue()  # type: ignore[type-arg]
        for _ in range(connections):
            free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
        started = time.perf_counter()
        tasks = []
        side = None
        for number in range(count):
            due = started + number / rate
            wait = due - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            if meanwhile is not None and side is None and due - started >= meanwhile_after:
                side = asyncio.get_running_loop().run_in_executor(None, meanwhile)
            tasks.append(asyncio.create_task(one(due, calls[number % len(calls)], free)))
        await asyncio.gather(*tasks)
        if side is not None:
            await side

    started = time.perf_counter()
    asyncio.run(session())
    outcome.elapsed = time.perf_counter() - started
    return outcome
