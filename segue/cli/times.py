"""Parse times and durations of options: 90d, 12h, 2026-01-31, 2026-01-31T08:00:00+09:00."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from segue.errors import SettingsError

__all__ = ["parse_duration", "parse_moment"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,5})([mhdw])")


def parse_duration(option: str, text: str) -> timedelta:
    """Parse a duration.

    Raises
    ------
    SettingsError
        Not a duration.
    """
    matched = _DURATION.fullmatch(text.strip())
    if matched is None:
        raise SettingsError(f"{option}: expected a number and m, h, d or w, such as 90d, got {text!r}")
    return timedelta(**{_UNITS[matched[2]]: int(matched[1])})


def parse_moment(option: str, text: str, *, ahead: bool) -> datetime:
    """Parse a date or time, in UTC unless it has a zone, or a duration relative to now.

    Parameters
    ----------
    ahead
        Whether a duration is added to the current time or subtracted.

    Raises
    ------
    SettingsError
        Neither a date, nor a time, nor a duration.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    else:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        duration = parse_duration(option, text)
    except SettingsError:
        raise SettingsError(f"{option}: expected a date such as 2026-01-31 or 90d, got {text!r}") from None
    return datetime.now(UTC) + (duration if ahead else -duration)
