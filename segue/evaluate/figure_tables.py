"""The report's tables of metrics: one row per metric, one column per method."""

from __future__ import annotations

from dataclasses import dataclass

from segue.evaluate.bootstrap import Figure
from segue.evaluate.findings import Findings, Method
from segue.evaluate.wording import GLOSSARY, interval, number, places, signed

__all__ = [
    "Cell",
    "FigureRow",
    "explain",
    "figure_cell",
    "figure_rows",
    "gain_rows",
    "measured",
    "methods",
    "ordered",
]


@dataclass(frozen=True)
class Cell:
    """A metric in a table: value, interval, and whether it is significantly better or worse."""

    value: str
    range: str = ""
    tone: str = ""


@dataclass(frozen=True)
class FigureRow:
    """One metric over all methods."""

    label: str
    cells: list[Cell]
    lead: bool = False
    help: str = ""


def ordered(findings: Findings) -> list[str]:
    """Names of all metrics, the leading one first, then in the glossary's order; metrics.json has none."""
    position = {name: i for i, name in enumerate(GLOSSARY)}
    return sorted(
        findings.labels, key=lambda name: (name != findings.leading, position.get(name, len(position)))
    )


def methods(findings: Findings) -> dict[str, Method]:
    """Methods by name, Segue first."""
    return dict(sorted(findings.methods.items(), key=lambda item: item[0] != "segue"))


def measured(findings: Findings, name: str) -> bool:
    """Whether any method has this metric."""
    return any(name in method.figures or name in method.overall for method in findings.methods.values())


def figure_rows(findings: Findings, names: list[str]) -> list[FigureRow]:
    """Rows of the metrics that were measured, with intervals, for all methods."""
    return [
        FigureRow(
            label=findings.labels[name],
            cells=[_cell(method, name) for method in methods(findings).values()],
            lead=name == findings.leading,
            help=explain(findings, name),
        )
        for name in names
        if measured(findings, name)
    ]


def _cell(method: Method, name: str) -> Cell:
    figure = method.figures.get(name)
    if figure is None:
        return Cell(number(method.overall.get(name), name))
    return figure_cell(figure, name)


def figure_cell(figure: Figure, name: str) -> Cell:
    """A metric's mean with its interval."""
    return Cell(number(figure.mean, name), interval(figure, name))


def gain_rows(findings: Findings, names: list[str]) -> list[FigureRow]:
    """Rows of paired differences: Segue minus each other method."""
    others = list(methods(findings).values())[1:]
    return [
        FigureRow(
            label=findings.labels[name],
            cells=[_gain_cell(method.gain.get(name), name) for method in others],
            lead=name == findings.leading,
        )
        for name in names
        if others
    ]


def _gain_cell(gain: Figure | None, name: str) -> Cell:
    if gain is None:
        return Cell("–")
    tone = ""
    if gain.low is not None and gain.high is not None:
        tone = "better" if gain.low > 0 else "worse" if gain.high < 0 else ""
    return Cell(signed(gain.mean, name), interval(gain, name, sign=True), tone)


def explain(findings: Findings, name: str) -> str:
    """The glossary's definition of a metric; empty for an unknown one."""
    return GLOSSARY.get(name, "").format(k=places(findings))
