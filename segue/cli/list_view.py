"""A list of tracks on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box, markup
from rich.console import Console
from rich.table import Table

from segue.api.tables import SHOWN, Recommendations, Tracks
from segue.cli.terminal import escape
from segue.recommend.answer import Answer
from segue.recommend.model import Bundle
from segue.recommend.request import Seed

if TYPE_CHECKING:
    from segue.api import Model

__all__ = ["describe_seed", "print_list", "print_tracks"]

# From this width on, a list shows all that it was ranked by.
_WIDE = 110


def describe_seed(bundle: Bundle, seed: Seed) -> str:
    """Artist and title, or name, of a seed, with its weight."""
    row = None if seed.track_id is None else bundle.lookup.row_of(seed.track_id)
    name = seed.label
    if row is not None:
        name = f"{bundle.value('artist_name', row)} - {bundle.value('track_name', row)}"
    return name if seed.weight == 1 else f"{name} (weight {seed.weight:g})"


def print_list(model: Model, answer: Answer, seeds: list[str]) -> None:
    """Print a list with what it was ranked by, and say what became of each seed."""
    console = Console()
    console.print(_plain(f"like {'; '.join(seeds)}" if seeds else "like the features given"), style="bold")
    listed = Recommendations(model.bundle, answer).tracks.table(SHOWN).to_pylist()
    scores = ("similar", "popular", "predicted", "score") if _is_wide(console) else ("score",)
    table = _tracks_table("", scores=scores)
    for item, track in zip(answer.items, listed, strict=True):
        values = {
            "similar": f"{item.similarity:.2f}",
            "popular": _number(item.popularity),
            "predicted": _number(item.predicted_popularity),
            "score": f"{item.score:.2f}",
        }
        table.add_row(str(item.rank), *_cells(track), *(values[name] for name in scores))
    console.print(table if answer.items else f"nothing: {answer.reason}")
    if answer.items and answer.reason:
        console.print(answer.reason, style="yellow")
    for name in answer.unknown_seeds:
        hint = model.hint(name)
        console.print(f"unknown seed: {_plain(name)}{f'; {_plain(hint)}' if hint else ''}", style="yellow")
    if answer.explanation:
        _print_explanation(console, answer)
    console.print(
        f"{answer.pool.retrieved} tracks retrieved, {answer.pool.after_filters} after filters; "
        f"bundle {answer.digest[:12]}",
        style="dim",
    )


def print_tracks(tracks: Tracks) -> None:
    """Print tracks with their ids, most of which are typed again as seeds."""
    table = _tracks_table(scores=("popular",))
    for track in tracks.table((*SHOWN, "popularity")).to_pylist():
        table.add_row(*_cells(track), _number(track["popularity"]))
    Console().print(table)


def _tracks_table(*first: str, scores: Sequence[str]) -> Table:
    table = Table(*first, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    # an id that is cut short is of no use
    table.add_column("id", no_wrap=True, overflow="fold")
    table.add_column("track", ratio=5)
    table.add_column("artist", ratio=4)
    table.add_column("year", no_wrap=True)
    table.add_column("genre", max_width=14)
    for name in scores:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _cells(track: Mapping[str, Any]) -> list[str]:
    names = [_plain(track[name]) for name in ("track_id", "track_name", "artist_name")]
    return [*names, _number(track["year"]), _plain(track["genre"] or "")]


def _is_wide(console: Console) -> bool:
    return console.width >= _WIDE


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _print_explanation(console: Console, answer: Answer) -> None:
    explanation = answer.explanation or {}
    table = Table("", "near in", "far in", "effects on predicted popularity", box=box.SIMPLE_HEAD)
    for rank, entry in enumerate(explanation["items"], start=1):
        effects = entry.get("popularity", {})
        table.add_row(
            str(rank),
            ", ".join(f"{near['feature']} {_value(near['track'])}" for near in entry["near"]),
            ", ".join(
                f"{far['feature']} {_value(far['track'])} (seed {_value(far['seed'])})"
                for far in entry["far"]
            ),
            ", ".join(f"{name} {value:+.1f}" for name, value in effects.items() if name != "average"),
        )
    console.print(table)
    dropped = ", ".join(
        f"{name.replace('_', ' ')}: {count}" for name, count in explanation["dropped"].items()
    )
    console.print(f"dropped: {dropped}", style="dim")


def _value(value: float | str) -> str:
    return _plain(value) if isinstance(value, str) else f"{value:.6g}"


def _plain(name: str) -> str:
    """Escape control characters and rich's markup in a name."""
    return markup.escape(escape(name, limit=200))
