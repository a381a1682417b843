"""Ports for the processes: the default ones, or others if those are taken."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass

__all__ = ["Ports", "is_free", "pick_ports"]


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Ports of the processes; the defaults are those of their settings."""

    predictor_http: int = 8082
    predictor_grpc: int = 8081
    transformer_http: int = 8080
    transformer_grpc: int = 8083
    gateway: int = 8000
    page: int = 8501


def pick_ports(names: frozenset[str]) -> tuple[Ports, dict[str, tuple[int, int]]]:
    """Choose the default ports, or free ones instead of those that are taken.

    Returns them, and for each of `names` whose default port is taken: that port and the chosen one.
    """
    chosen: dict[str, int] = {}
    moved: dict[str, tuple[int, int]] = {}
    for name, usual in asdict(Ports()).items():
        chosen[name] = usual
        if name in names and not is_free(usual):
            chosen[name] = _free_port(chosen)
            moved[name] = (usual, chosen[name])
    return Ports(**chosen), moved


def is_free(port: int) -> bool:
    """Whether no program listens on a port, on the loopback address or on all."""
    for address in ("127.0.0.1", ""):
        with socket.socket() as probe:
            # as servers do, or connections of a server that has just ended would block the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                return False
    return True


def _free_port(taken: Mapping[str, int]) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken.values():
            return port
