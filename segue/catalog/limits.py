"""The limit on rejected rows."""

from __future__ import annotations

from segue.catalog.profile import InteractionsProfile, Profile
from segue.errors import InteractionsError, TooManyRejects

__all__ = ["refuse_rejects"]


def refuse_rejects(profile: Profile, max_rejected: float) -> None:
    """Refuse a catalogue, or interactions, with too many rejected rows, and name the reasons.

    Raises
    ------
    TooManyRejects
        Too many rows of the catalogue are rejected.
    InteractionsError
        Too many rows of the interactions are rejected.
    """
    message = _excess(profile, max_rejected)
    if message:
        raise TooManyRejects(message)
    pairs = profile.interactions
    if pairs is not None:
        message = _excess(pairs, max_rejected)
        if message:
            raise InteractionsError(f"interactions: {message}")


def _excess(profile: Profile | InteractionsProfile, limit: float) -> str:
    """Error message if more rows are rejected than allowed, else empty."""
    read, kept, rejected = profile.rows_read, profile.rows_kept, profile.rows_rejected
    if kept and rejected <= limit * read:
        return ""
    top = "; ".join(
        f"{reason.count:,} × {reason.column}{' ' if reason.column else ''}{reason.reason} "
        f"(row {reason.examples[0].row:,}: {reason.examples[0].value[:40]!r})"
        for reason in profile.reasons[:3]
    )
    allowed = f"more than the {_percent(limit)} allowed" if kept else "none is left"
    return (
        f"{profile.source}: {rejected:,} of {read:,} rows ({_percent(rejected / read)}) are rejected, "
        f"{allowed}: {top}. "
        "Correct the source, map its columns (--alias, in a run --set layout=), "
        "or allow more (max_rejected)"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
