"""Times as people type them: 90d, 12h, 2026-01-31, 2026-01-31T08:00:00+09:00."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from segue.errors import SettingsError

__all__ = ["parse_duration", "parse_moment"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,5})([mhdw])")


def parse_duration(option: str, text: str) -> timedelta:
    """Read a length of time.

    Raises
    ------
    SettingsError
        It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise SettingsError(f"{option}: expected a number and m, h, d or w, such as 90d, got {text!r}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def parse_moment(option: str, text: str, *, ahead: bool) -> datetime:
    """Read a date or time, UTC where it says no other zone, or a length of time from now.

    Parameters
    ----------
    ahead
        Whether a length of time leads into the future.

    Raises
    ------
    SettingsError
        It is neither.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    else:
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        length = parse_duration(option, text)
    except SettingsError:
        raise SettingsError(f"{option}: expected a date such as 2026-01-31 or 90d, got {text!r}") from None
    return datetime.now(UTC) + (length if ahead else -length)
