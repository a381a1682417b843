"""Metrics and log lines about the bundles that a process holds."""

from __future__ import annotations

import logging

from segue.errors import BundleFileMissing, ChecksumError, UnsupportedSchema
from serving import metrics

__all__ = ["BundleReports"]

logger = logging.getLogger(__name__)

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (ChecksumError, "checksum"),
    (UnsupportedSchema, "schema"),
    (BundleFileMissing, "missing"),
    (Exception, "unreadable"),
)


class BundleReports:
    """Reports what happens to the bundles of an address; a state that lasts is logged once."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._in_service: tuple[str, str] | None = None
        self._warning = ""
        for _, reason in _REASONS:
            metrics.BUNDLE_REFUSED.labels(reason)  # at 0 from the start: a rate ignores the first sample

    def loaded(self, digest: str, tracks: int, seconds: float) -> None:
        """A bundle was loaded."""
        metrics.BUNDLE_LOAD_SECONDS.observe(seconds)
        text = "loaded bundle %s, %d tracks, in %.2f s"
        logger.info(text, digest[:12], tracks, seconds, extra=_fields(digest))

    def refused(self, digest: str, url: str, error: Exception) -> None:
        """A bundle was refused."""
        reason = next(reason for kind, reason in _REASONS if isinstance(error, kind))
        metrics.BUNDLE_REFUSED.labels(reason).inc()
        text = "refused bundle %s, what is in service stays: %s"
        logger.error(text, digest[:12] or url, error, extra=_fields(digest))

    def dropped(self, digest: str) -> None:
        """A bundle was dropped from memory."""
        logger.info("dropped bundle %s", digest[:12])

    def in_service(self, digest: str, tracks: int, generation: int) -> None:
        """Requests are answered from this bundle now."""
        labels = (digest, str(generation))
        if labels == self._in_service:
            return
        if self._in_service is not None:
            metrics.BUNDLE_INFO.remove(*self._in_service)
            if self._in_service[0] != digest:
                metrics.BUNDLE_SWITCHES.inc()
        metrics.BUNDLE_INFO.labels(*labels).set(1)
        metrics.BUNDLE_TRACKS.set(tracks)
        self._in_service = labels
        text = "in service: bundle %s, generation %s"
        logger.info(text, digest[:12], generation, extra=_fields(digest))

    def warn(self, text: str) -> None:
        """Log a warning, unless it is the one before."""
        if text != self._warning:
            logger.warning("%s", text)
        self._warning = text

    def recovered(self) -> None:
        """The store was read without an error."""
        if self._warning:
            logger.info("%s can be read again", self._url)
        self._warning = ""


def _fields(digest: str) -> dict[str, dict[str, str]]:
    return {"fields": {"digest": digest}}
