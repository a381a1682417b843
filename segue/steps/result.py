"""Input folders and results of the steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from segue.journal import Journal

__all__ = ["Folders", "StepResult", "table"]


class _Metrics(Protocol):
    def log_metric(self, metric: str, value: float) -> None: ...


class _Artifact(Protocol):
    path: str


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """Result of a step.

    Attributes
    ----------
    line
        The result in one line.
    metrics
        Values by name.
    summary
        Markdown.
    """

    line: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    summary: str = ""

    def report(self, log: Journal, metrics: _Metrics, summary: _Artifact) -> None:
        """Write the result to a journal and to KFP's Metrics and Markdown artifacts."""
        for name, value in self.metrics.items():
            metrics.log_metric(name, round(float(value), 6))
        Path(summary.path).write_text(self.summary, encoding="utf-8")
        log.result(self.line)


@dataclass(frozen=True)
class Folders:
    """Folders of the first four steps: ingest, preprocess, train, build_index."""

    tracks: Path
    features: Path
    model: Path
    index: Path


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """One table in Markdown; characters with a meaning in tables or HTML are escaped in the cells."""
    lines = [f"### {title}", "", _row(columns), _row(["---"] * len(columns))]
    return "\n".join([*lines, *(_row([_cell(value) for value in row]) for row in rows), "", ""])


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    plain = "".join(char if char.isprintable() else " " for char in str(value))
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "&#124;"), ("`", "&#96;")):
        plain = plain.replace(mark, entity)
    return plain
