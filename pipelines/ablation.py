"""``python -m pipelines ablate``: train without each part in turn, to measure what it contributes."""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from rich.console import Console
from rich.table import Table

from pipelines.output import LOG, LiveLine, captured
from segue import steps
from segue.errors import SettingsError
from segue.evaluate.ablation import FIGURES, Ablation, compare, measure
from segue.evaluate.bootstrap import Figure
from segue.evaluate.settings import EvaluationSettings
from segue.files import replacing, write_json
from segue.index.settings import IndexSettings
from segue.journal import Journal, parse_line
from segue.ranking.settings import LEFT_OUT, LeftOut, TrainSettings
from segue.steps.assemble import collect
from segue.steps.settings import read

__all__ = ["ablate", "parse_parts", "show"]

_WHOLE = "everything"


def parse_parts(texts: Sequence[str]) -> list[tuple[LeftOut, ...]]:
    """Parts to leave out in each training, from names such as ``genre`` or ``genre+year``.

    Without names, each part alone.

    Raises
    ------
    SettingsError
        A name is unknown.
    """
    tried = [tuple(text.split("+")) for text in texts or LEFT_OUT]
    for name in (name for names in tried for name in names):
        if name not in get_args(LeftOut):
            raise SettingsError(f"--without {name}: there is no such part; there are {', '.join(LEFT_OUT)}")
    return [tuple(part for part in LEFT_OUT if part in names) for names in tried]


def ablate(
    catalog: str,
    interactions: str,
    out: Path,
    *,
    without: Sequence[tuple[LeftOut, ...]],
    settings: Mapping[str, Any],
    console: Console,
) -> list[Ablation]:
    """Train with everything, then without each part; ingest and preprocess run once.

    Parameters
    ----------
    catalog, interactions
        As `segue.steps.ingest` takes them.
    out
        Folder for the steps' folders, ``run.log`` with their output, and ``ablation.json`` and
        ``ablation.csv``, written after each training.
    without
        Parts to leave out in each training.
    settings
        Settings of a run by name, as ``python -m pipelines run --set`` takes them.
    console
        Where progress is shown.

    Raises
    ------
    SegueError
        A step failed, or there are too few test playlists.
    """
    training, index, judged = _settings(settings)
    tracks, features = out / "tracks", out / "features"
    reading = {name: settings[name] for name in ("layout", "max_rejected") if name in settings}
    found: list[Ablation] = []
    whole = None
    out.mkdir(parents=True, exist_ok=True)
    progress = _Progress(console)
    with contextlib.closing(progress), captured(out / LOG, progress.line):
        progress.begin("reading the catalogue")
        ingested = steps.ingest(catalog, tracks, interactions=interactions, **reading, log=_journal("ingest"))
        steps.preprocess(tracks, features, log=_journal("preprocess"))
        progress.result(ingested.line)
        for left_out in [(), *without]:
            name = "+".join(left_out)
            title = f"without {name}" if name else f"with {_WHOLE}"
            model, indexed = (out / part / (name or _WHOLE) for part in ("model", "index"))
            progress.begin(f"training {title}")
            chosen = {**training, "leave_out": left_out}
            done = steps.train(features, model, settings=chosen, log=_journal("train"))
            steps.build_index(model, features, indexed, settings=index, log=_journal("build_index"))
            progress.begin(f"judging {title}")
            bundle = collect(preprocessed=features, trained=model, indexed=indexed, catalog_profile="0" * 64)
            judge, tried, weight = measure(*bundle, features, settings=judged)
            whole = tried if whole is None else whole
            found.append(compare(judge, name, tried, whole, weight))
            progress.result(f"{title}: {done.line}")
            _write(out, found)
    return found


def show(found: Sequence[Ablation], console: Console) -> None:
    """Print a table of the metrics with their 95 % intervals, and of the leading metric's gain."""
    table = Table(title="What each part gives, on held-out playlists (95 % intervals)")
    for heading in ("without", *FIGURES.values(), "P@10, other artists, gained"):
        table.add_column(heading)
    for row in found:
        cells = [_cell(row.figures[name]) for name in FIGURES]
        gain = row.gain.get("artist_filtered_precision")
        table.add_row(row.left_out or "nothing", *cells, _cell(gain, sign="+") if gain else "")
    console.print(table)


class _Progress:
    """Shows the current task in a live line, and a line for each result."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = LiveLine(console)

    def begin(self, doing: str) -> None:
        """Begin a task."""
        self._live.begin(doing)
        sys.stdout.write(f"{doing}\n")  # `captured` redirects it to the log

    def line(self, text: str) -> None:
        """Process one line of the steps' output."""
        line = parse_line(text)
        if line is not None:
            self._live.show(line.text)

    def result(self, text: str) -> None:
        """Print a result."""
        self._live.clear()
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)
        sys.stdout.write(f"{text}\n")

    def close(self) -> None:
        """End the live line."""
        self._live.clear()


def _journal(step: str) -> Journal:
    return Journal(step, sys.stdout)  # `captured` redirects it to the log


def _settings(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], EvaluationSettings]:
    """A run's settings by step: train, build_index, evaluate."""
    training = {name: value for name, value in settings.items() if name in TrainSettings.model_fields}
    judged = {name: value for name, value in settings.items() if name in EvaluationSettings.model_fields}
    index = {name: value for name, value in settings.items() if name in IndexSettings.model_fields}
    if "neighbours" in settings:
        training["candidates"] = settings["neighbours"]
    judged.pop("seed", None)  # the seed of a run is for training only
    return training, index, read(EvaluationSettings, judged)


def _write(out: Path, found: Sequence[Ablation]) -> None:
    write_json(out / "ablation.json", [row.model_dump(mode="json") for row in found])
    text = io.StringIO()
    rows = [_columns(row) for row in found]
    table = csv.DictWriter(text, rows[0], lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    with replacing(out / "ablation.csv") as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")


def _columns(row: Ablation) -> dict[str, object]:
    columns: dict[str, object] = {"left_out": row.left_out, "popularity_weight": row.popularity_weight}
    for name in FIGURES:
        for what, figure in ((name, row.figures[name]), (f"{name}_gain", row.gain.get(name))):
            values = (None, None, None) if figure is None else (figure.mean, figure.low, figure.high)
            columns |= zip((what, f"{what}_low", f"{what}_high"), values, strict=True)
    return columns


def _cell(figure: Figure, *, sign: str = "") -> str:
    if figure.mean is None or figure.low is None or figure.high is None:
        return "not defined"
    mean, low, high = (format(value, f"{sign}.3f") for value in (figure.mean, figure.low, figure.high))
    return f"{mean}\n[dim]{low} to {high}[/]"
