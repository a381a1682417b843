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
from segue.evaluate.charts import (
    calibration_chart,
    index_chart,
    leading_chart,
    learning_chart,
    popularity_curve,
    variety_chart,
    weight_curve,
)
from segue.evaluate.data_section import BarRow, data_section, drift_rows
from segue.evaluate.eda import Eda
from segue.evaluate.figure_tables import (
    Cell,
    explain,
    figure_cell,
    figure_rows,
    gain_rows,
    measured,
    methods,
    ordered,
)
from segue.evaluate.findings import Figure, Findings, PopularityFindings
from segue.evaluate.gate import Verdict
from segue.evaluate.popularity import Regression
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
_PART_FIGURES = ("precision", "artist_filtered_precision", "artist_filtered_ndcg")
_TRADEOFF_FIGURES = ("intra_list_distance", "artists_per_list", "popularity", "popularity_lift", "hubness")
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
class PartRows:
    """The lines of one part of the seeds: a method, and its figures."""

    title: str
    seeds: int
    methods: list[tuple[str, list[Cell]]]


@dataclass(frozen=True)
class TradeoffRow:
    """One line of the table of trade-offs."""

    title: str
    default: bool
    cells: list[Cell]


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
        **_recommendations(findings),
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


def _recommendations(findings: Findings) -> dict[str, Any]:
    names = ordered(findings)
    quality = [name for name in names if name in HIGHER_IS_BETTER and measured(findings, name)]
    return {
        "methods": list(methods(findings).values()),
        "judged_on": _judged_on(findings),
        "leading_chart": leading_chart(findings),
        "quality": figure_rows(findings, quality),
        "gains": gain_rows(findings, quality),
        "parts": _parts(findings),
        "parts_shown": [(name, findings.labels[name]) for name in _PART_FIGURES],
        "candidate_recall": _candidate_recall(findings),
        "tradeoffs": _tradeoffs(findings),
        "tradeoffs_shown": [findings.labels[name] for name in _TRADEOFF_FIGURES],
        "variety_chart": variety_chart(findings),
        "curve": weight_curve(findings),
        "curve_popularity": popularity_curve(findings),
        "curve_text": _curve_text(findings),
        "properties": figure_rows(
            findings, [name for name in names if name not in HIGHER_IS_BETTER and measured(findings, name)]
        ),
    }


def _parts(findings: Findings) -> list[PartRows]:
    """For each part of the seeds, a line for each method that answered them."""
    return [
        PartRows(
            title=part.title,
            seeds=part.seeds,
            methods=[
                (
                    method,
                    [figure_cell(figures[name], name) for name in _PART_FIGURES if name in figures],
                )
                for method, figures in part.figures.items()
            ],
        )
        for part in findings.parts.values()
    ]


def _tradeoffs(findings: Findings) -> list[TradeoffRow]:
    """A line for each value of each setting; the lists' default is marked."""
    defaults = {name: getattr(findings.defaults, name) for name in ("diversity", "max_per_artist")}
    return [
        TradeoffRow(
            title=f"{point.setting} {point.value:g}",
            default=point.value == defaults[point.setting],
            cells=[
                figure_cell(point.leading, "precision"),
                *(Cell(number(point.figures.get(name), name)) for name in _TRADEOFF_FIGURES),
            ],
        )
        for point in findings.tradeoffs
    ]


def _candidate_recall(findings: Findings) -> str:
    """Recall of the candidates in words; empty where no playlists define it."""
    found = [
        f"{share(figure.mean)} among {depth:,} ({share(figure.low)} to {share(figure.high)})"
        for depth, figure in sorted(findings.candidate_recall.items())
        if figure.mean is not None
    ]
    return ", ".join(found)


def _judged_on(findings: Findings) -> str:
    if findings.test_playlists:
        return (
            f"Judged on {findings.test_seeds:,} seeds of {findings.test_playlists:,} held-out playlists; "
            "intervals re-draw whole playlists, since seeds of one playlist are alike."
        )
    return (
        f"No playlists to judge by: {findings.test_seeds:,} seeds by artists that were not trained on are "
        "judged; intervals re-draw artists."
    )


def _curve_text(findings: Findings) -> str:
    points = {p.popularity_weight: p.leading for p in findings.curve if p.leading is not None}
    weight = findings.defaults.popularity_weight
    text = (
        "popularity_weight mixes similarity (0) with predicted popularity (1). The default is the largest "
        "weight that costs hardly any of the leading figure, chosen on "
        f"{findings.validation_seeds:,} validation seeds: {weight:g}."
    )
    best, chosen = max(points.values(), default=0.0), points.get(weight)
    if best > 0 and chosen is not None:
        text += f" It costs {max(1 - chosen / best, 0) * 100:.1f} % of the best value on the curve."
    return text


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
