"""Ports for the processes: the usual ones, and others where something else has them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass

__all__ = ["Ports", "is_free", "pick_ports"]


@dataclass(frozen=True, kw_only=True)
class Ports:
    """A port each; the defaults are those of the processes themselves."""

    predictor_http: int = 8082
    predictor_grpc: int = 8081
    transformer_http: int = 8080
    transformer_grpc: int = 8083
    gateway: int = 8000
    page: int = 8501


def pick_ports(names: frozenset[str]) -> tuple[Ports, dict[str, tuple[int, int]]]:
    """The usual ports, or free ones instead of those that are taken.

    Returns
    -------
    The ports, and for each of `names` that had to move: the port it has usually, and now.
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
    """Whether nothing listens on it, on this machine's own address or on all."""
    for address in ("127.0.0.1", ""):
        with socket.socket() as probe:
            # as servers do, or the connections of one that ended a moment ago would count
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
