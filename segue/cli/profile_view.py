"""Show a catalogue's profile on a terminal. Text from the file is escaped, never interpreted as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from segue.catalog.columns import COLUMNS
from segue.catalog.profile import InteractionsProfile, NumericProfile, Profile, Reason
from segue.cli.terminal import escape

__all__ = ["show_profile", "spark"]

_BARS = " ▁▂▃▄▅▆▇█"
_MAX_BARS = 12
_GENRES = 12
_REASONS = 20
_YEARS_PER_BAR = 5


def spark(counts: Sequence[int]) -> str:
    """Draw counts as a sparkline, scaled to the largest; a count above 0 is always visible."""
    most = max(counts, default=0)
    if not most:
        return ""
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)


def show_profile(profile: Profile, console: Console) -> None:
    """Print what was read, what was rejected and why, and how the values are distributed."""
    _show_source(profile, console)
    console.print(_columns(profile))
    _show_groups(profile, console)
    if profile.interactions is not None:
        _show_interactions(profile.interactions, console)
    if profile.reasons:
        several = len(profile.files) > 1
        console.print(_reasons("Rejected rows", profile.reasons, several=several))


def _show_source(profile: Profile, console: Console) -> None:
    size = sum(file.bytes for file in profile.files)
    _line(console, f"{escape(profile.source, limit=200)}", style="bold")
    _line(console, f"  layout {profile.layout}, {decimal(size)}, sha256 {profile.sha256[:16]}…")
    share = f" ({profile.rejected_share:.2%})" if profile.rows_rejected else ""
    _line(
        console,
        f"  {profile.rows_read:,} rows read, {profile.rows_kept:,} kept, "
        f"{profile.rows_rejected:,} rejected{share}",
    )
    if profile.duplicate_ids:
        _line(console, f"  {profile.duplicate_ids:,} rows repeat the track_id of an earlier row")
    console.print()


def _columns(profile: Profile) -> Table:
    table = Table(title="Columns", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("column", no_wrap=True)
    table.add_column("read from", overflow="ellipsis")  # shortened on a narrow terminal
    for name in ("missing", "min", "mean", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("distribution", no_wrap=True)
    for column in COLUMNS:
        theirs = profile.columns.get(column.name)
        if theirs is None:
            continue
        missing = _share(profile.missing[column.name], profile.rows_kept)
        numeric = profile.numeric.get(column.name)
        origin = Text("" if theirs == column.name else escape(theirs, limit=24))
        table.add_row(column.name, origin, missing, *_numbers(column.name, numeric))
    return table


def _numbers(name: str, numeric: NumericProfile | None) -> Iterable[str]:
    if numeric is None or numeric.mean is None:
        return ("", "", "", "")
    figures = (numeric.min, numeric.mean, numeric.max)
    write = "{:.0f}".format if name == "year" else _number
    return (
        *("" if figure is None else write(figure) for figure in figures),
        spark(_rebin(numeric.histogram.counts)),
    )


def _rebin(counts: Sequence[int]) -> list[int]:
    """Merge neighbouring bins into at most `_MAX_BARS`."""
    width = -(-len(counts) // _MAX_BARS)
    return [sum(counts[first : first + width]) for first in range(0, len(counts), width)]


def _show_groups(profile: Profile, console: Console) -> None:
    absent = [column.name for column in COLUMNS if column.name not in profile.columns]
    if absent:
        _line(console, f"not in the file: {', '.join(absent)}", style="dim")
    console.print()
    if profile.genres:
        ordered = sorted(profile.genres.items(), key=lambda item: (-item[1], item[0]))
        shown = ", ".join(f"{escape(name, limit=30)} {count:,}" for name, count in ordered[:_GENRES])
        rest = len(ordered) - _GENRES
        more = f" and {rest:,} more" if rest > 0 else ""
        _line(console, f"Genres: {shown}{more}")
    if profile.years:
        years = {int(year): count for year, count in profile.years.items()}
        first, last = min(years), max(years)
        bars = [0] * ((last - first) // _YEARS_PER_BAR + 1)
        for year, count in years.items():
            bars[(year - first) // _YEARS_PER_BAR] += count
        _line(console, f"Years: {first} {spark(bars)} {last}")
    console.print()


def _show_interactions(pairs: InteractionsProfile, console: Console) -> None:
    _line(console, f"{escape(pairs.source, limit=200)}", style="bold")
    _line(
        console,
        f"  {pairs.rows_read:,} pairs read, {pairs.rows_kept:,} kept, {pairs.rows_rejected:,} rejected; "
        f"{pairs.playlists:,} playlists over {pairs.tracks:,} tracks",
    )
    console.print()
    if pairs.reasons:
        console.print(_reasons("Rejected pairs", pairs.reasons, several=len(pairs.files) > 1))


def _reasons(title: str, reasons: Sequence[Reason], *, several: bool) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("column", no_wrap=True)
    table.add_column("why")
    table.add_column("for example", overflow="fold")
    for reason in reasons[:_REASONS]:
        examples = [
            f"row {example.row:,}"
            + (f" of {escape(example.file)}" if several else "")
            + (f": {escape(example.value)}" if example.value else "")
            for example in reason.examples
        ]
        table.add_row(
            f"{reason.count:,}", reason.column or "(row)", Text(reason.reason), Text("\n".join(examples))
        )
    rest = sum(reason.count for reason in reasons[_REASONS:])
    if rest:
        table.add_row(f"{rest:,}", "", "other reasons", "")
    return table


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style), soft_wrap=True)


def _share(count: int, rows: int) -> str:
    if not count or not rows:
        return ""
    return f"{count / rows:.1%}" if count * 1000 >= rows else "< 0.1%"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
