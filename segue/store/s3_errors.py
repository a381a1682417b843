"""Errors of an S3 endpoint: which are retried, and a message for each of the others."""

from __future__ import annotations

import re
from xml.etree.ElementTree import ParseError

from minio.error import InvalidResponseError, MinioException, S3Error, ServerError
from urllib3.exceptions import HTTPError, LocationParseError, SSLError

from segue.errors import SegueError, StoreAccessDenied, StoreError, StoreUnavailable

__all__ = ["FAILURES", "code_of", "explain", "is_transient"]

# Everything that the client raises for an answer, a broken connection or an invalid bucket name.
FAILURES = (MinioException, HTTPError, ParseError, ValueError, OSError)

_BUSY = frozenset(
    {
        "InternalError",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "SlowDownRead",
        "SlowDownWrite",
        "TooManyRequests",
        "XMinioServerNotInitialized",
    }
)

# OpenSSL's messages for certificates that fail verification, and for servers that do not speak TLS.
_TLS_MISTAKES = ("CERTIFICATE", "Hostname", "WRONG_VERSION_NUMBER", "record layer failure", "HTTP_REQUEST")


def code_of(error: BaseException) -> str:
    """S3's code of an error, for example ``NoSuchKey``; empty if it has none."""
    return (error.code or "") if isinstance(error, S3Error) else ""


def is_transient(error: BaseException) -> bool:
    """Whether a retry may succeed: broken connections, 5xx, 429."""
    if isinstance(error, SSLError):  # also raised if a TLS server closes the connection
        return not any(word in str(error) for word in _TLS_MISTAKES)
    if isinstance(error, LocationParseError):
        return False
    if isinstance(error, S3Error) and error.code in _BUSY:
        return True
    return isinstance(error, HTTPError) or _status(error) >= 500 or _status(error) == 429


def explain(error: BaseException, *, endpoint: str, bucket: str, key: str, is_signed: bool) -> SegueError:
    """Translate an error. The message quotes no header, query or URL of a request: these hold credentials."""
    place = f"s3://{bucket}/{key}".rstrip("/")
    if isinstance(error, SegueError):
        return error
    if is_transient(error):
        return StoreUnavailable(f"{endpoint} did not serve {place}, after retries: {_reason(error)}")
    if _status(error) in (401, 403) and code_of(error) != "RequestTimeTooSkewed":
        return StoreAccessDenied(_denied(code_of(error), place, endpoint, is_signed))
    return StoreError(_refused(error, place, endpoint, bucket))


def _denied(code: str, place: str, endpoint: str, is_signed: bool) -> str:
    if not is_signed:
        return (
            f"{endpoint} refused {place} ({code}): no credentials are set, expected them in "
            "SEGUE_S3_ACCESS_KEY and SEGUE_S3_SECRET_KEY, or SEGUE_S3_ROLE=true"
        )
    return (
        f"{endpoint} refused {place} ({code}): check SEGUE_S3_ACCESS_KEY and SEGUE_S3_SECRET_KEY, "
        "or the role of SEGUE_S3_ROLE, and what it is allowed to do"
    )


def _refused(error: BaseException, place: str, endpoint: str, bucket: str) -> str:
    known = {
        "NoSuchBucket": f"bucket {bucket!r} does not exist at {endpoint}: create it, for example with "
        f"'mc mb ALIAS/{bucket}' or 'aws s3 mb s3://{bucket}'",
        "NoSuchKey": f"{place}: no such object at {endpoint}",
        "RequestTimeTooSkewed": f"{endpoint}: this machine's clock is too far from the store's",
    }
    if code_of(error) in known:
        return known[code_of(error)]
    if isinstance(error, S3Error):
        return f"{endpoint} refused {place}: {error.code}: {error.message}"
    if isinstance(error, InvalidResponseError):
        return (
            f"{endpoint} answered HTTP {_status(error)} to {place}, and not as S3 does: "
            "check SEGUE_S3_ENDPOINT and SEGUE_S3_SECURE"
        )
    if isinstance(error, SSLError):
        return (
            f"{endpoint}: TLS failed ({_reason(error)}): set SEGUE_S3_SECURE=false if it speaks plain HTTP, "
            "or SSL_CERT_FILE to the authority that signed its certificate"
        )
    return f"{place} at {endpoint}: {_reason(error)}"


def _status(error: BaseException) -> int:
    if isinstance(error, S3Error):
        return int(error.response.status)
    if isinstance(error, ServerError):
        return error.status_code
    if isinstance(error, InvalidResponseError):
        # The client has no public attribute for the status of an answer that is not XML.
        found = re.search(r"Response code: (\d{3})", str(error))
        return int(found[1]) if found else 0
    return 0


def _reason(error: BaseException) -> str:
    if isinstance(error, S3Error):
        return f"{error.code}, HTTP {_status(error)}"
    if _status(error):
        return f"HTTP {_status(error)}"
    # urllib3 quotes the URL in some messages; its query may hold a signature.
    text = str(error).partition("?")[0].rpartition("): ")[2] or type(error).__name__
    return text.strip()
