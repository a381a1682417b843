"""Template context of the report's section on recommendations."""

from __future__ import annotations

from typing import Any

from segue.evaluate.charts import leading_chart, popularity_curve, variety_chart, weight_curve
from segue.evaluate.figure_tables import figure_rows, gain_rows, measured, methods, ordered
from segue.evaluate.findings import Findings
from segue.evaluate.wording import HIGHER_IS_BETTER, share

__all__ = ["recommendations_section"]

_PART_FIGURES = ("precision", "artist_filtered_precision", "artist_filtered_ndcg")
_TRADEOFF_FIGURES = ("intra_list_distance", "artists_per_list", "popularity", "popularity_lift", "hubness")


def recommendations_section(findings: Findings) -> dict[str, Any]:
    """Context of recommendations.html.j2."""
    names = ordered(findings)
    quality = [name for name in names if name in HIGHER_IS_BETTER and measured(findings, name)]
    return {
        "methods": list(methods(findings).values()),
        "judged_on": _judged_on(findings),
        "leading_chart": leading_chart(findings),
        "quality": figure_rows(findings, quality),
        "gains": gain_rows(findings, quality),
        "parts_shown": [(name, findings.labels[name]) for name in _PART_FIGURES],
        "candidate_recall": _candidate_recall(findings),
        "tradeoffs_shown": [(name, findings.labels[name]) for name in _TRADEOFF_FIGURES],
        "variety_chart": variety_chart(findings),
        "curve": weight_curve(findings),
        "curve_popularity": popularity_curve(findings),
        "curve_text": _curve_text(findings),
        "properties": figure_rows(
            findings, [name for name in names if name not in HIGHER_IS_BETTER and measured(findings, name)]
        ),
    }


def _candidate_recall(findings: Findings) -> str:
    """Recall of the candidates in words; empty without playlists."""
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
            "intervals resample whole playlists, since seeds of one playlist are alike."
        )
    return (
        f"There are no playlists to judge by. The {findings.test_seeds:,} seeds are by held-out artists; "
        "intervals resample artists."
    )


def _curve_text(findings: Findings) -> str:
    points = {p.popularity_weight: p.leading for p in findings.curve if p.leading is not None}
    weight = findings.defaults.popularity_weight
    text = (
        "popularity_weight mixes similarity (0) with predicted popularity (1). The default is the largest "
        "weight that costs little of the leading metric, chosen on "
        f"{findings.validation_seeds:,} validation seeds: {weight:g}."
    )
    best, chosen = max(points.values(), default=0.0), points.get(weight)
    if best > 0 and chosen is not None:
        text += f" It costs {max(1 - chosen / best, 0) * 100:.1f} % of the best value on the curve."
    return text
