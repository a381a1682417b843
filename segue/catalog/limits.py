"""How many bad rows are too many."""

from __future__ import annotations

from segue.catalog.profile import InteractionsProfile, Profile
from segue.errors import InteractionsError, TooManyRejects

__all__ = ["refuse_rejects"]


def refuse_rejects(profile: Profile, max_rejected: float) -> None:
    """Refuse a catalogue, or interactions, with too many bad rows, and name the reasons.

    Raises
    ------
    TooManyRejects
        It is the catalogue's rows.
    InteractionsError
        It is those of the interactions.
    """
    told = _tell(profile, max_rejected)
    if told:
        raise TooManyRejects(told)
    pairs = profile.interactions
    if pairs is not None:
        told = _tell(pairs, max_rejected)
        if told:
            raise InteractionsError(f"interactions: {told}")


def _tell(found: Profile | InteractionsProfile, limit: float) -> str:
    read, kept, rejected = found.rows_read, found.rows_kept, found.rows_rejected
    if kept and rejected <= limit * read:
        return ""
    top = "; ".join(
        f"{reason.count:,} × {reason.column}{' ' if reason.column else ''}{reason.reason} "
        f"(row {reason.examples[0].row:,}: {reason.examples[0].value[:40]!r})"
        for reason in found.reasons[:3]
    )
    allowed = f"more than the {_percent(limit)} allowed" if kept else "none is left"
    return (
        f"{found.source}: {rejected:,} of {read:,} rows ({_percent(rejected / read)}) are rejected, "
        f"{allowed}: {top}. "
        "Mend the source, say which column is which (--alias, in a run --set layout=), "
        "or allow more (max_rejected)"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
