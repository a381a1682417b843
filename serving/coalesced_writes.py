"""uvicorn's HTTP protocol with head and body of an answer in one write: by two, a client is woken twice."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["CoalescedWrites"]


class CoalescedWrites(HttpToolsProtocol):
    """uvicorn's own, on a transport that holds a head back until what comes next."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take up a connection."""
        super().connection_made(_Gathering(transport, self.loop))  # type: ignore[arg-type]


class _Gathering:
    """A transport whose first write goes out with the second; alone, once the loop comes round."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write, maybe a little later."""
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head + data)
        elif data:
            self._head = data
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Write what was held back, and close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)
