"""State of a visitor's session: seeds, the list, feedback. Widgets keep their own values."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import streamlit as st

from serving.gateway import schemas
from serving.ui.query import MAX_SEEDS, PageQuery, PageSeed

__all__ = [
    "Shown",
    "add_seed",
    "admin_key",
    "clear_seeds",
    "comes_back",
    "events",
    "has_seed",
    "move_seed",
    "note_other_page",
    "remove_seed",
    "seeds",
    "session_id",
    "set_seeds",
    "show_list",
    "shown",
]


@dataclass(frozen=True)
class Shown:
    """The list on the page, and the query that it answers."""

    query: PageQuery
    answer: schemas.Recommendations


def session_id() -> str:
    """Opaque id of this session, with which its lists and feedback are logged."""
    name: str = st.session_state.setdefault("session_id", uuid4().hex)
    return name


def seeds() -> tuple[PageSeed, ...]:
    """Seeds chosen so far."""
    chosen: tuple[PageSeed, ...] = st.session_state.get("seeds", ())
    return chosen


def set_seeds(chosen: tuple[PageSeed, ...]) -> None:
    """Replace the seeds."""
    st.session_state["seeds"] = chosen[:MAX_SEEDS]


def has_seed(seed: PageSeed) -> bool:
    """Whether a seed is chosen, with any weight."""
    return any((chosen.kind, chosen.value) == (seed.kind, seed.value) for chosen in seeds())


def add_seed(seed: PageSeed) -> None:
    """Add a seed."""
    if not has_seed(seed):
        set_seeds((*seeds(), seed))


def move_seed(position: int, steps: int) -> None:
    """Change a seed's weight by steps."""
    set_seeds(tuple(seed.moved(steps) if i == position else seed for i, seed in enumerate(seeds())))


def remove_seed(position: int) -> None:
    """Remove a seed."""
    set_seeds(tuple(seed for i, seed in enumerate(seeds()) if i != position))


def clear_seeds() -> None:
    """Remove all seeds."""
    set_seeds(())


def shown() -> Shown | None:
    """The list on the page."""
    current: Shown | None = st.session_state.get("shown")
    return current


def show_list(current: Shown | None) -> None:
    """Put a list on the page, and forget the feedback on the one before."""
    st.session_state["shown"] = current
    st.session_state["events"] = {}


def events() -> dict[str, str]:
    """Events that the listener sent on this list, by track id."""
    sent: dict[str, str] = st.session_state.setdefault("events", {})
    return sent


def note_other_page() -> None:
    """Remember that another page than Discover was opened."""
    st.session_state["was_elsewhere"] = True


def comes_back() -> bool:
    """Whether another page was opened since the last call."""
    was_elsewhere: bool = st.session_state.pop("was_elsewhere", False)
    return was_elsewhere


def admin_key() -> str:
    """The admin's key of this session; empty before one is typed."""
    key: str = st.session_state.get("admin_key", "")
    return key
