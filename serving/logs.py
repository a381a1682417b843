"""Logs as JSON lines on stderr: time, level, logger, message, request id, and what the caller adds."""

from __future__ import annotations

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import count

import orjson

from serving.wire import REQUEST_ID

__all__ = ["JSONFormatter", "configure_logs", "request_id", "take_request_id"]

# Set when a request comes in, so that every line it causes carries it.
request_id: ContextVar[str] = ContextVar("request_id", default="")

# What a caller sends ends up in logs and headers: nothing but plain characters.
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
# Credentials in a URL, and the values that go with names of secrets.
_SECRETS = re.compile(
    r"(?i)(?P<head>://[^/\s:@]*:|\bbearer\s+|(?:secret|password|token|access)[a-z_-]*[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"'@,;&]+"
)
_LONGEST = 8_000
# A random number for the process and a count: a random number a request would ask the system each time.
_PROCESS, _COUNT = secrets.token_hex(8), count()


def take_request_id(headers: Mapping[str, str] | None) -> str:
    """Take the caller's ``x-request-id`` if it is plain, else make one; it is the current one from now on."""
    given = (headers or {}).get(REQUEST_ID, "")
    taken = given if _PLAIN_ID.fullmatch(given) else _new_id()
    request_id.set(taken)
    return taken


def _new_id() -> str:
    return f"{_PROCESS}{next(_COUNT):016x}"


class JSONFormatter(logging.Formatter):
    """One JSON object a line; ``extra={"fields": {...}}`` adds to it."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record as one line of JSON, secrets masked."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _masked(record.getMessage()),
        }
        if current := request_id.get():
            line["request_id"] = current
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = _masked("".join(traceback.format_exception(*record.exc_info)))
        return orjson.dumps(line, default=str).decode()


class _ClientMistakes(logging.Filter):
    """Drop kserve's line and stack for a request that was simply wrong: it is answered and counted."""

    _KINDS = frozenset({"InvalidInput", "ModelNotFound", "ModelNotReady", "ServerNotReady", "ServiceError"})

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or not any(base.__name__ in self._KINDS for base in kind.__mro__)


def configure_logs(level: str) -> None:
    """Send everything to stderr as JSON lines; kserve's and uvicorn's own lines only from warnings up."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    # on the handler, because a logger's own filter does not see what its children send
    handler.addFilter(_ClientMistakes())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel("WARNING")
    for name in ("segue", "serving"):
        logging.getLogger(name).setLevel(level)
    for name in ("kserve", "kserve.trace", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel("WARNING")
    # uvicorn makes a line of each request, and asks for its level afterwards, unless nobody would read it
    logging.getLogger("uvicorn.access").propagate = False
    # one line of JSON each, and kserve's own use of deprecated FastAPI is nothing that an operator can mend
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel("ERROR")
    # kserve sets up its own logging unless its logger has a handler already
    logging.getLogger("kserve").addHandler(logging.NullHandler())
    logging.getLogger("kserve.trace").setLevel("CRITICAL")


def _masked(text: str) -> str:
    return _SECRETS.sub(r"\g<head>***", text)[:_LONGEST]
