"""Lines of the log: JSON, a request id, no secret."""

from __future__ import annotations

import io
import json
import logging
import re

import pytest

from serving.logs import JSONFormatter, request_id, take_request_id


def logged(*arguments: object, **extra: object) -> dict[str, object]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    logger = logging.getLogger("serving.test")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.error(*arguments, **extra)  # type: ignore[arg-type]
    finally:
        logger.removeHandler(handler)
    value: dict[str, object] = json.loads(stream.getvalue())
    return value


def test_it_logs_one_json_object_a_line_with_the_request_id() -> None:
    take_request_id({"x-request-id": "abc"})
    line = logged("first\nsecond %s", "é", extra={"fields": {"digest": "d"}})
    assert line["message"] == "first\nsecond é"
    assert (line["request_id"], line["digest"], line["level"]) == ("abc", "d", "ERROR")
    request_id.set("")


@pytest.mark.parametrize("given", ["", "a b", 'a"b', "a\nb", "x" * 129, "ä"])
def test_it_makes_a_request_id_where_the_given_one_is_not_plain(given: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", take_request_id({"x-request-id": given}))


@pytest.mark.parametrize(
    "text",
    [
        "s3://user:hunter2@host/bucket refused",
        "SEGUE_S3_SECRET_KEY=hunter2 is wrong",
        "authorization: Bearer hunter2",
        "{'secret_key': 'hunter2'}",
        "access_key=hunter2, region=eu",
    ],
)
def test_it_never_logs_a_secret(text: str) -> None:
    assert "hunter2" not in json.dumps(logged(text))
    assert "hunter2" not in json.dumps(logged("failed", exc_info=ValueError(text)))
