"""Figures of an evaluation; missing ones are left out, since older bundles have fewer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Measure", "measures", "number"]


@dataclass(frozen=True)
class Measure:
    """One figure of a bundle, with the bounds of its 95 % interval where it has one."""

    name: str
    label: str
    value: float
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """The value with its interval."""
        if self.low is None or self.high is None or self.low == self.high:
            return number(self.value)
        return f"{number(self.value)} ({number(self.low)}–{number(self.high)})"


def measures(metrics: Mapping[str, Any] | None) -> dict[str, Measure]:
    """Figures of Segue's own lists by name, the leading one first; empty without an evaluation."""
    if not metrics:
        return {}
    own = metrics.get("methods", {}).get("segue", {})
    labels: Mapping[str, str] = metrics.get("labels", {})
    leading = metrics.get("leading")
    found: dict[str, Measure] = {}
    for name in sorted(labels, key=lambda name: (name != leading, labels[name].lower())):
        figure = own.get("figures", {}).get(name)
        overall = own.get("overall", {}).get(name)
        if isinstance(figure, Mapping) and figure.get("mean") is not None:
            found[name] = Measure(name, labels[name], figure["mean"], figure.get("low"), figure.get("high"))
        elif isinstance(overall, int | float):
            found[name] = Measure(name, labels[name], overall)
    return found


def number(value: float) -> str:
    """A figure with three decimals, a large one with one, a count with none."""
    if value == int(value) and abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3f}"
