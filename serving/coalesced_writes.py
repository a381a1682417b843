"""uvicorn's HTTP protocol with the head and body of a response in one write, to wake a client once."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["CoalescedWrites"]


class CoalescedWrites(HttpToolsProtocol):
    """uvicorn's protocol, on a transport that joins two writes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the transport of a connection."""
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]


class _Gathering:
    """A transport that sends a write together with the next one; at the latest in the loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write now or in the loop's next turn."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif data:
            self._head = data
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Write what is pending, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
