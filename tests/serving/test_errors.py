"""One tree of errors for the three processes: their statuses, and what reading it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grpc
import orjson
import pytest

from segue.errors import RequestError, UnknownSeeds
from serving import errors
from serving.errors import ServiceError, invalid_request
from serving.pair_errors import write_error

# Class, HTTP status, gRPC status, outcome.
PAIR = {
    ("BadRequest", 400, "INVALID_ARGUMENT", "invalid"),
    ("NoSuchSeeds", 404, "NOT_FOUND", "unknown_seeds"),
    ("BundleNotLoaded", 412, "FAILED_PRECONDITION", "other_bundle"),
    ("TooLarge", 413, "RESOURCE_EXHAUSTED", "too_large"),
    ("InternalError", 500, "INTERNAL", "error"),
    ("NotReady", 503, "UNAVAILABLE", "not_ready"),
    ("Overloaded", 503, "RESOURCE_EXHAUSTED", "overloaded"),
}
GATEWAY = {
    ("Unauthorized", 401),
    ("Forbidden", 403),
    ("NotFound", 404),
    ("MethodNotAllowed", 405),
    ("Conflict", 409),
    ("TooManyRequests", 429),
    ("BadGateway", 502),
    ("Unavailable", 503),
    ("DeadlineExceeded", 504),
}


def descendants(kind: type[ServiceError]) -> set[type[ServiceError]]:
    return {each for child in kind.__subclasses__() for each in (child, *descendants(child))}


def test_it_gives_each_error_its_statuses() -> None:
    found = {(kind.__name__, kind.status, kind.grpc_status, kind.outcome) for kind in errors.PAIR_ERRORS}
    assert found == PAIR
    assert {code for _, _, code, _ in found} <= {code.name for code in grpc.StatusCode}
    others = descendants(ServiceError) - set(errors.PAIR_ERRORS)
    assert {(kind.__name__, kind.status) for kind in others} == GATEWAY


@pytest.mark.parametrize(
    ("error", "status", "body", "retry_after"),
    [
        (errors.BadRequest("k: wrong", field="k"), 400, {"error": "k: wrong", "field": "k"}, None),
        (errors.Overloaded("too much"), 503, {"error": "too much", "overloaded": True}, "1"),
        (errors.NotReady("no bundle"), 503, {"error": "no bundle"}, "2"),
        (ValueError("a bug"), 500, {"error": "a bug"}, None),
    ],
)
def test_it_writes_an_error_of_the_pair(
    error: Exception, status: int, body: dict[str, object], retry_after: str | None
) -> None:
    response = write_error(error, {"x-request-id": "abc"})
    assert (response.status_code, orjson.loads(response.body)) == (status, body)
    assert response.headers.get("retry-after") == retry_after
    assert response.headers["x-request-id"]


@pytest.mark.parametrize(
    ("error", "prefix", "detail", "fields"),
    [
        (RequestError("k", "wrong"), "", "k: wrong", {"field": "k"}),
        (RequestError("k", "wrong"), "instances[1]", "instances[1].k: wrong", {"field": "instances[1].k"}),
        (RequestError("features.a:b", "wrong"), "", "features.a:b: wrong", {"field": "features.a:b"}),
        (
            UnknownSeeds(["x"]),
            "instances[1]",
            "instances[1]: none of the seeds is in the catalogue: x",
            {"unknown_seeds": ["x"]},
        ),
    ],
)
def test_it_converts_what_the_library_raises(
    error: RequestError | UnknownSeeds, prefix: str, detail: str, fields: dict[str, object]
) -> None:
    converted = invalid_request(error, prefix=prefix)
    assert (converted.detail, converted.fields) == (detail, fields)


def test_it_imports_the_gateway_without_the_packages_of_the_pair() -> None:
    """The gateway's image has neither gRPC nor KServe."""
    program = (
        "import sys\n"
        "for name in ('grpc', 'grpc_interceptor', 'kserve', 'lightgbm'): sys.modules[name] = None\n"
        "import serving.gateway.app\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
