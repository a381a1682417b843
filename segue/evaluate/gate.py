"""The gate: may this bundle replace the champion?

It is refused if its leading metric may be worse than the champion's by more than a tolerance, judged by the
lower bound of the paired difference's interval, or if the catalogue drifted, shrank or lost values beyond the
limits. A check that can't be made (no champion, no leading metric) is listed as not checked and does not
refuse.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from segue.evaluate.bootstrap import ClusterBootstrap

__all__ = ["CatalogChange", "Check", "GateSettings", "Leading", "Verdict", "compare", "decide"]


class GateSettings(BaseModel):
    """Limits of the gate.

    Attributes
    ----------
    gate_tolerance
        How far the lower bound of the difference may be below 0, as a share of the champion's metric.
    max_psi
        Maximum population stability index of a column.
    min_drift_rows
        Rows that both catalogues need for PSI to be checked: with few rows it is large by chance.
    min_row_ratio, max_row_ratio
        Bounds of the number of tracks divided by the champion's.
    max_missing_rise
        Maximum absolute increase of a column's share of missing values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gate_tolerance: float = Field(default=0.02, ge=0)
    max_psi: float = Field(default=0.25, gt=0)
    min_drift_rows: int = Field(default=500, ge=1)
    min_row_ratio: float = Field(default=0.8, ge=0)
    max_row_ratio: float = Field(default=10.0, gt=0)
    max_missing_rise: float = Field(default=0.1, ge=0, le=1)


class Leading(BaseModel):
    """The leading metric of the new bundle (ours) and of the champion or base design (theirs)."""

    model_config = ConfigDict(frozen=True)

    metric: str
    label: str
    against: str
    ours: float | None
    theirs: float | None
    difference: float | None
    low: float | None
    high: float | None
    seeds: int


class CatalogChange(BaseModel):
    """Change of the catalogue since the champion's.

    Attributes
    ----------
    rows, champion_rows
        Number of tracks.
    psi
        PSI by column; None if the column is empty in either catalogue.
    missing_rise
        Absolute increase of the share of missing values by column.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    champion_rows: int
    psi: dict[str, float | None]
    missing_rise: dict[str, float]


class Check(BaseModel):
    """One rule of the gate; the text states the value and its limit."""

    model_config = ConfigDict(frozen=True)

    name: Literal["quality", "drift", "rows", "missing"]
    outcome: Literal["passed", "failed", "not checked"]
    text: str


class Verdict(BaseModel):
    """``verdict.json``.

    Attributes
    ----------
    passed
        Whether promotion is allowed.
    against
        What the bundle was compared with: ``champion`` or ``base design``.
    champion
        The champion's digest; None without a champion.
    leading
        Comparison of the leading metric; None if the data defines none.
    checks
        Every rule, in order.
    reasons
        Texts of the checks that failed; empty if the gate passed.
    """

    model_config = ConfigDict(frozen=True)

    passed: bool
    against: Literal["champion", "base design"]
    champion: str | None
    leading: Leading | None
    checks: list[Check]
    reasons: list[str]


def compare(
    ours: npt.NDArray[np.float64],
    theirs: npt.NDArray[np.float64],
    draws: ClusterBootstrap,
    *,
    metric: str,
    label: str,
    against: str,
) -> Leading:
    """Compare two methods by a metric per seed, float64 [q] each, NaN where undefined."""
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    gap = draws.difference(ours, theirs)
    return Leading(
        metric=metric,
        label=label,
        against=against,
        ours=_mean(ours[both]),
        theirs=_mean(theirs[both]),
        difference=gap.mean,
        low=gap.low,
        high=gap.high,
        seeds=gap.seeds,
    )


def decide(
    leading: Leading | None,
    change: CatalogChange | None,
    *,
    champion: str | None = None,
    settings: GateSettings | None = None,
) -> Verdict:
    """Check the limits.

    Parameters
    ----------
    leading
        Comparison of the leading metric; None without one.
    change
        Change of the catalogue; None without a champion's profile.
    champion
        Digest of the champion; None without a champion.
    settings
        The limits.
    """
    limits = settings or GateSettings()
    checks = [
        _quality(leading, limits),
        _drift(change, limits),
        _rows(change, limits),
        _missing(change, limits),
    ]
    reasons = [check.text for check in checks if check.outcome == "failed"]
    return Verdict(
        passed=not reasons,
        against="champion" if champion else "base design",
        champion=champion,
        leading=leading,
        checks=checks,
        reasons=reasons,
    )


def _quality(leading: Leading | None, limits: GateSettings) -> Check:
    if leading is None:
        return _unchecked(
            "quality", "The data has neither playlists nor genres, so there is no leading metric."
        )
    if leading.low is None or leading.theirs is None:
        return _unchecked("quality", f"{leading.label}: {leading.seeds} seeds are too few for an interval.")
    allowed = -limits.gate_tolerance * leading.theirs
    failed = leading.low < allowed
    text = (
        f"{leading.label} is {leading.ours:.4f}, {leading.against} has {leading.theirs:.4f}: a difference of "
        f"{leading.difference:+.4f} (95 % interval {leading.low:+.4f} to {leading.high:+.4f}, "
        f"{leading.seeds:,} seeds). The lower bound must be at least {allowed:+.4f}"
    )
    return _check(
        "quality", failed, text + (f" and is {allowed - leading.low:.4f} below it." if failed else ".")
    )


def _drift(change: CatalogChange | None, limits: GateSettings) -> Check:
    if change is None:
        return _unchecked("drift", "There is no champion's catalogue to compare with.")
    fewest = min(change.rows, change.champion_rows)
    if fewest < limits.min_drift_rows:
        return _unchecked("drift", f"{fewest:,} rows are too few for PSI ({limits.min_drift_rows:,} needed).")
    known = {name: value for name, value in change.psi.items() if value is not None}
    drifted = {name: value for name, value in known.items() if value > limits.max_psi}
    if drifted:
        names = ", ".join(f"{name} {value:.2f}" for name, value in _largest(drifted))
        return _check("drift", True, f"The catalogue has drifted: PSI of {names} (limit {limits.max_psi:g}).")
    top = f"; the largest is {_largest(known)[0][0]} at {_largest(known)[0][1]:.3f}" if known else ""
    return _check("drift", False, f"No column's PSI is above {limits.max_psi:g}{top}.")


def _rows(change: CatalogChange | None, limits: GateSettings) -> Check:
    if change is None or change.champion_rows == 0:
        return _unchecked("rows", "There is no champion's catalogue to compare with.")
    ratio = change.rows / change.champion_rows
    failed = not limits.min_row_ratio <= ratio <= limits.max_row_ratio
    text = (
        f"The catalogue has {change.rows:,} tracks, {ratio:.2f} times the champion's "
        f"{change.champion_rows:,} ({limits.min_row_ratio:g} to {limits.max_row_ratio:g} times is allowed)."
    )
    return _check("rows", failed, text)


def _missing(change: CatalogChange | None, limits: GateSettings) -> Check:
    if change is None:
        return _unchecked("missing", "There is no champion's catalogue to compare with.")
    risen = {name: rise for name, rise in change.missing_rise.items() if rise > limits.max_missing_rise}
    limit = f"{limits.max_missing_rise * 100:g} points"
    if not risen:
        return _check("missing", False, f"No column's share of missing values rose by more than {limit}.")
    names = ", ".join(f"{name} by {rise * 100:.1f} points" for name, rise in _largest(risen))
    return _check("missing", True, f"More values are missing: {names} (limit {limit}).")


def _check(name: Literal["quality", "drift", "rows", "missing"], failed: bool, text: str) -> Check:
    return Check(name=name, outcome="failed" if failed else "passed", text=text)


def _unchecked(name: Literal["quality", "drift", "rows", "missing"], text: str) -> Check:
    return Check(name=name, outcome="not checked", text=text)


def _largest(values: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(values.items(), key=lambda item: (-item[1], item[0]))


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    return round(float(values.mean()), 6) if len(values) else None
