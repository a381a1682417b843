"""Logs as JSON lines on stderr: time, level, logger, message, request id, and fields of the caller."""

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

from serving.wire import PLAIN_ID, REQUEST_ID

__all__ = ["JSONFormatter", "configure_logs", "request_id", "take_request_id"]

# Set when a request comes in, so that each of its log lines has it.
request_id: ContextVar[str] = ContextVar("request_id", default="")

# An id that a caller sends appears in logs and headers.
_PLAIN_ID = re.compile(PLAIN_ID)
# Credentials in a URL, and the values that go with names of secrets.
_SECRETS = re.compile(
    r"(?i)(?P<head>://[^/\s:@]*:|\bbearer\s+|(?:secret|password|token|access)[a-z_-]*[\"']?\s*[=:]\s*[\"']?)"
    r"[^\s\"'@,;&]+"
)
_MAX_CHARACTERS = 8_000
# A random number of the process and a count, since a random number for each request would be a system call.
_PROCESS, _COUNT = secrets.token_hex(8), count()


def take_request_id(headers: Mapping[str, str] | None) -> str:
    """Set the current request id: the caller's ``x-request-id`` if it is plain, else a new one."""
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


class _ClientErrors(logging.Filter):
    """Drops kserve's line and stack for errors of clients, which are answered and counted."""

    _KINDS = frozenset({"InvalidInput", "ModelNotFound", "ModelNotReady", "ServerNotReady", "ServiceError"})

    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None
        return kind is None or not any(base.__name__ in self._KINDS for base in kind.__mro__)


def configure_logs(level: str) -> None:
    """Log to stderr as JSON lines; kserve and uvicorn only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    # on the handler, because the filter of a logger is not applied to its children's lines
    handler.addFilter(_ClientErrors())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel("WARNING")
    for name in ("segue", "serving"):
        logging.getLogger(name).setLevel(level)
    for name in ("kserve", "kserve.trace", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel("WARNING")
    # uvicorn formats a line for each request before it checks the level, unless the logger has no handler
    logging.getLogger("uvicorn.access").propagate = False
    # Python's warnings as JSON too, but only errors: an operator can't fix kserve's use of deprecated FastAPI
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel("ERROR")
    # kserve configures its own logging unless its logger has a handler
    logging.getLogger("kserve").addHandler(logging.NullHandler())
    logging.getLogger("kserve.trace").setLevel("CRITICAL")


def _masked(text: str) -> str:
    return _SECRETS.sub(r"\g<head>***", text)[:_MAX_CHARACTERS]
