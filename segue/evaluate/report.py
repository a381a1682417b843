"""The report: one HTML page that needs nothing but itself, and a short Markdown of the same figures.

Names of tracks, genres and files are data: the template escapes them, and control characters are shown as
signs. The page holds no time and no machine, so that the same findings give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2

from segue.catalog.profile import Profile
from segue.evaluate.charts import calibration_chart, index_chart, learning_chart
from segue.evaluate.data_section import BarRow, data_section, drift_rows
from segue.evaluate.eda import Eda
from segue.evaluate.figure_tables import explain, figure_rows, measured, methods, ordered
from segue.evaluate.findings import Figure, Findings, PopularityFindings
from segue.evaluate.gate import Verdict
from segue.evaluate.popularity import Regression
from segue.evaluate.recommendations_section import recommendations_section
from segue.evaluate.wording import (
    HIGHER_IS_BETTER,
    clean,
    interval,
    meaning,
    number,
    places,
    ratio,
    share,
    verdict_line,
)

__all__ = ["render_html", "render_markdown"]

SECTIONS = (
    ("summary", "In short"),
    ("data", "The data"),
    ("drift", "Change since the champion"),
    ("retrieval", "Retrieval"),
    ("popularity", "The popularity model"),
    ("recommendations", "Recommendations"),
    ("lists", "What the lists are like"),
    ("examples", "Example lists"),
    ("settings", "Settings"),
    ("glossary", "Glossary"),
)
CHECK_NAMES = {"quality": "Quality", "drift": "Catalogue drift", "rows": "Rows", "missing": "Missing values"}
_BASELINES = {"model": "The model", "constant": "The mean", "genre and year mean": "Mean of genre and year"}
_TERMS = (
    ("Seed", "The track that suggestions are asked for."),
    (
        "Base design",
        "Raw sound features, nearest by Euclidean distance, then the most popular of them first.",
    ),
    ("Nearest only", "Segue's nearest tracks, by similarity alone, as many by an artist as there are."),
    ("Standardised", "Nearest by standardised features, nothing learned from playlists."),
    ("Standardised, no genre", "The same without the genre, which may have been read off playlists."),
    ("Same artist", "The most popular other tracks of the seed's artist."),
    ("Co-occurrence", "Tracks that share training playlists with the seed; nothing for a seed in none."),
    ("95 % interval", "From 2.5 % to 97.5 % of the means of re-drawn playlists or artists (bootstrap)."),
    ("popularity_weight", "0 orders a list by similarity, 1 by predicted popularity, between by both."),
    ("PSI", "Population stability index: how far a distribution has moved."),
)


@dataclass(frozen=True)
class Card:
    """A figure of the summary."""

    title: str
    value: str
    note: str
    lead: bool = False


@dataclass(frozen=True)
class RegressionRow:
    """One line of the popularity model's table."""

    title: str
    tracks: int
    r2: str
    mae: str
    spearman: str
    ndcg: str
    range: str
    lead: bool


def render_html(
    findings: Findings,
    verdict: Verdict,
    profile: Profile,
    *,
    eda: Eda,
    champion_profile: Profile | None,
    training: Mapping[str, Any],
) -> str:
    """Draw the page.

    Parameters
    ----------
    findings, verdict
        What evaluate measured, and what the gate said.
    profile, eda
        The catalogue.
    champion_profile
        The champion's catalogue, drawn beside this one; None where there is none.
    training
        ``training.json`` of the train step.
    """
    context = {
        "findings": findings,
        "verdict": verdict,
        "profile": profile,
        "champion_profile": champion_profile,
        "eda": eda,
        "sections": SECTIONS,
        **_summary(findings, verdict),
        **data_section(profile, champion_profile, eda),
        "drift": drift_rows(findings.change),
        "index_chart": index_chart(findings.index_curve),
        **_popularity(findings.popularity, training),
        **recommendations_section(findings),
        "settings": _settings(findings, profile, training),
        "glossary": _glossary(findings),
    }
    return _environment(autoescape=True).get_template("report.html.j2").render(context)


def render_markdown(findings: Findings, verdict: Verdict) -> str:
    """The verdict and the figures as tables, for the UI of Kubeflow Pipelines."""
    names = [name for name in ordered(findings) if name in HIGHER_IS_BETTER]
    rows = figure_rows(findings, [*names, "coverage", "popularity_lift", "artists_per_list"])
    context = {
        "findings": findings,
        "verdict": verdict,
        "methods": list(methods(findings).values()),
        "rows": rows,
        "recalls": ", ".join(
            f"{recall:.4f} at {k}" for k, recall in sorted(findings.retrieval.recall.items())
        ),
        **_summary(findings, verdict),
    }
    return _environment(autoescape=False).get_template("report.md.j2").render(context)


def _environment(*, autoescape: bool) -> jinja2.Environment:
    def finalize(value: object) -> object:
        return clean(value) if type(value) is str else value

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("segue.evaluate"),
        # Markdown alone is not escaped: it holds no names of the catalogue
        autoescape=autoescape,  # noqa: S701
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["share"] = share
    return environment


def _summary(findings: Findings, verdict: Verdict) -> dict[str, Any]:
    leading = findings.leading or ""
    return {
        "k": places(findings),
        "check_names": CHECK_NAMES,
        "verdict_line": verdict_line(verdict),
        "meaning": meaning(findings),
        "leading_label": findings.labels.get(leading, leading),
        "leading_help": explain(findings, leading),
        "cards": _cards(findings),
    }


def _cards(findings: Findings) -> list[Card]:
    """The leading figure of Segue, the base design and chance, and how they compare."""
    if findings.leading is None:
        return []
    shown = [
        (name, findings.methods[name])
        for name in ("segue", "base_design", "random")
        if name in findings.methods
    ]
    found = [(name, method.title, method.figures.get(findings.leading)) for name, method in shown]
    cards = [
        Card(
            title,
            number(figure.mean),
            f"95 %: {interval(figure)}" if interval(figure) else "",
            name == "segue",
        )
        for name, title, figure in found
        if figure
    ]
    means = {name: figure.mean for name, _, figure in found if figure}
    ours, theirs = means.get("segue"), means.get("base_design")
    if ours and theirs:
        cards.append(Card("Segue beside the base design", ratio(ours, theirs), "in this figure"))
    return cards


def _popularity(found: PopularityFindings | None, training: Mapping[str, Any]) -> dict[str, Any]:
    importance = {name: gain for name, gain in training.get("importance", {}).items() if gain > 0}
    total, most = sum(importance.values()), max(importance.values(), default=1.0)
    ordered = sorted(importance.items(), key=lambda item: (-item[1], item[0]))
    return {
        "regressions": _regressions(found.regression, found.ndcg) if found else [],
        "young": _regressions(found.young.regression, {}) if found and found.young else [],
        "calibration": calibration_chart(found.calibration) if found else None,
        "learning": learning_chart(training.get("validation_curve") or [], training.get("trees")),
        "importance": [BarRow(name, 0, gain / total, gain / most) for name, gain in ordered],
    }


def _regressions(found: Mapping[str, Regression], ndcgs: Mapping[str, Figure]) -> list[RegressionRow]:
    rows = []
    for name, one in found.items():
        ndcg = ndcgs.get(name)
        rows.append(
            RegressionRow(
                title=_BASELINES.get(name, name),
                tracks=one.tracks,
                r2=number(one.r2, "r2"),
                mae=number(one.mae, "mae"),
                spearman=number(one.spearman),
                ndcg=number(ndcg.mean if ndcg else None),
                range=interval(ndcg) if ndcg else "",
                lead=name == "model",
            )
        )
    return rows


def _glossary(findings: Findings) -> list[tuple[str, str]]:
    figures = [
        (
            findings.labels[name],
            explain(findings, name) + ("" if measured(findings, name) else " This data does not define it."),
        )
        for name in ordered(findings)
    ]
    return [*_TERMS, *figures]


def _settings(
    findings: Findings, profile: Profile, training: Mapping[str, Any]
) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        ("Defaults of a request", _pairs(findings.defaults.model_dump())),
        ("Training", _pairs({**training.get("settings", {}), **_scalars(training)})),
        ("LightGBM", _pairs(training.get("parameters", {}))),
        ("Columns: ours, and the file's", _pairs(profile.columns)),
        ("Catalogue", [("sha256", profile.sha256), ("profile", profile.digest), ("layout", profile.layout)]),
    ]


def _scalars(training: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in training.items() if isinstance(value, int | float | str)}


def _pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, _value(name, value)) for name, value in sorted(values.items())]


def _value(name: str, value: object) -> str:
    # a seed is a name, not an amount
    if type(value) is int and "seed" not in name:
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
