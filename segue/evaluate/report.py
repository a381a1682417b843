"""The report: a self-contained HTML page, and a short summary in Markdown.

The template escapes names of tracks, genres and files, and shows control characters as symbols. The page has
no time or host name, so that the same findings give the same bytes.
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
from segue.evaluate.findings import Findings, PopularityFindings
from segue.evaluate.gate import Verdict
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
    ("summary", "Summary"),
    ("data", "The data"),
    ("drift", "Change since the champion"),
    ("retrieval", "Retrieval"),
    ("popularity", "The popularity model"),
    ("recommendations", "Recommendations"),
    ("lists", "Properties of the lists"),
    ("examples", "Example lists"),
    ("settings", "Settings"),
    ("glossary", "Glossary"),
)
CHECK_NAMES = {"quality": "Quality", "drift": "Catalogue drift", "rows": "Rows", "missing": "Missing values"}
_BASELINES = {"model": "The model", "constant": "The mean", "genre and year mean": "Mean of genre and year"}
_TERMS = (
    ("Seed", "The track that a list is requested for."),
    (
        "Base design",
        "The nearest tracks by raw sound features and Euclidean distance, ordered by predicted popularity.",
    ),
    ("Nearest only", "Segue's nearest tracks, ordered by similarity, without a limit per artist."),
    ("Standardised", "Nearest tracks by standardised features, nothing learned from playlists."),
    ("Standardised, no genre", "The same without the genre, which may have been derived from playlists."),
    ("Same artist", "The most popular other tracks of the seed's artist."),
    ("Co-occurrence", "Tracks that share training playlists with the seed; empty for a seed in none."),
    (
        "95 % interval",
        "From the 2.5 % to the 97.5 % quantile over bootstrap samples of playlists or artists.",
    ),
    ("popularity_weight", "0 orders a list by similarity, 1 by predicted popularity, in between by both."),
    ("PSI", "Population stability index: how much a distribution has changed."),
)


@dataclass(frozen=True)
class MetricCard:
    """A metric of the summary."""

    title: str
    value: str
    note: str
    lead: bool = False


def render_html(
    findings: Findings,
    verdict: Verdict,
    profile: Profile,
    *,
    eda: Eda,
    champion_profile: Profile | None,
    training: Mapping[str, Any],
) -> str:
    """Render the page; `training` is ``training.json`` of the train step."""
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
    """Render the verdict and tables of the metrics, for the UI of Kubeflow Pipelines."""
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
        # the Markdown needs no escaping: it has no names of the catalogue
        autoescape=autoescape,  # noqa: S701
        undefined=jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"share": share, "number": number, "interval": interval}
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


def _cards(findings: Findings) -> list[MetricCard]:
    """The leading metric of Segue, the base design and random lists, and the ratio of the first two."""
    if findings.leading is None:
        return []
    cards, means = [], {}
    for name in ("segue", "base_design", "random"):
        method = findings.methods.get(name)
        if method and findings.leading in method.figures:
            figure = method.figures[findings.leading]
            note = f"95 %: {interval(figure)}" if interval(figure) else ""
            cards.append(MetricCard(method.title, number(figure.mean), note, name == "segue"))
            means[name] = figure.mean
    ours, theirs = means.get("segue"), means.get("base_design")
    if ours and theirs:
        cards.append(MetricCard("Segue against the base design", ratio(ours, theirs), "in this metric"))
    return cards


def _popularity(found: PopularityFindings | None, training: Mapping[str, Any]) -> dict[str, Any]:
    importance = {name: gain for name, gain in training.get("importance", {}).items() if gain > 0}
    total, largest = sum(importance.values()), max(importance.values(), default=1.0)
    ordered = sorted(importance.items(), key=lambda item: (-item[1], item[0]))
    return {
        "popularity_titles": _BASELINES,
        "calibration": calibration_chart(found.calibration) if found else None,
        "learning": learning_chart(training.get("validation_curve") or [], training.get("trees")),
        "importance": [BarRow(name, 0, gain / total, gain / largest) for name, gain in ordered],
    }


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
    # no thousands separators in random seeds
    if type(value) is int and "seed" not in name:
        return f"{value:,}"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
