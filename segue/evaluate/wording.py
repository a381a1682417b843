"""Texts of the report: formats and definitions of metrics, and the summary."""

from __future__ import annotations

import re
from collections.abc import Callable

from segue.evaluate.bootstrap import Figure
from segue.evaluate.findings import Findings
from segue.evaluate.gate import Verdict
from segue.evaluate.judge import GENRE, PLAYLIST

__all__ = [
    "GLOSSARY",
    "HIGHER_IS_BETTER",
    "clean",
    "interval",
    "meaning",
    "number",
    "places",
    "ratio",
    "share",
    "signed",
    "verdict_line",
]

# Definitions of the metrics of `Findings.labels`; {k} is the cut-off.
GLOSSARY = {
    "precision": "Of the first {k} suggestions, the share that is in the seed's held-out playlist.",
    "ndcg": "Like precision, but a hit near the top counts more; 1 is the best possible order.",
    "r_precision": "Precision among as many suggestions as the playlist has other tracks.",
    "recall": "Share of the playlist's other tracks that the long list finds.",
    "hit": "Share of seeds with at least one hit in the first {k}.",
    PLAYLIST: "Precision without the seed's own artist in list and playlist. Finding more of the same artist "
    "is easy, so this is the leading metric.",
    "artist_filtered_ndcg": "NDCG without the seed's own artist.",
    "artist_filtered_r_precision": "R-precision without the seed's own artist.",
    "artist_filtered_recall": "Recall without the seed's own artist.",
    "artist_filtered_hit": "Share of seeds with a hit that is not by the seed's own artist.",
    GENRE: "Of the first {k} suggestions by other artists, the share that has the seed's genre.",
    "popularity": "Mean popularity (0-100) of the suggested tracks.",
    "artists_per_list": "Different artists among the first {k}; more is more varied.",
    "intra_list_distance": "Mean distance between two tracks of a list; larger is more varied, smaller is "
    "more of a piece.",
    "list_length": "Tracks that a list of {k} really holds; less means that the catalogue ran out.",
    "coverage": "Share of the catalogue that is in at least one list; more seeds give more.",
    "distinct_tracks": "Number of different tracks in all lists together.",
    "gini": "How unevenly tracks are shown: 0 is equally often, 1 is one track in every list.",
    "hubness": "Skewness of how often a track is suggested: high if a few tracks are in very many lists.",
    "popularity_lift": "Mean popularity of the lists divided by that of their seeds.",
    "popularity_lift_over_catalogue": "Mean popularity of the lists divided by the catalogue's mean.",
}
HIGHER_IS_BETTER = frozenset(
    {
        GENRE,
        *(
            f"{prefix}{name}"
            for prefix in ("", "artist_filtered_")
            for name in ("precision", "ndcg", "r_precision", "recall", "hit")
        ),
    }
)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Replace control characters by symbols, since HTML does not allow them."""
    return _CONTROL.sub(_symbol, text)


def _symbol(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def _plain(value: float) -> str:
    size = abs(value)
    if size == 0:
        return "0"
    if size < 0.01:
        return f"{value:.4f}" if size >= 0.00005 else f"{value:.1g}"
    return f"{value:.3f}" if size < 10 else f"{value:,.1f}"


def share(value: float | None, digits: int = 1) -> str:
    """Format 0.123 as 12.3 %."""
    if value is None:
        return "–"
    if 0 < value < 0.5 * 10 ** -(digits + 2):
        return f"< {10**-digits:g} %"
    return f"{value * 100:.{digits}f} %".replace("-", "−")


_FORMATS: dict[str, Callable[[float], str]] = {
    "r2": "{:.3f}".format,
    "mae": "{:.2f}".format,
    "coverage": share,
    "distinct_tracks": "{:,.0f}".format,
    "hubness": "{:.2f}".format,
    "popularity": "{:.1f}".format,
    "artists_per_list": "{:.2f}".format,
    "intra_list_distance": "{:.2f}".format,
    "list_length": "{:.2f}".format,
    "popularity_lift": "{:.2f} ×".format,
    "popularity_lift_over_catalogue": "{:.2f} ×".format,
}


def number(value: float | None, name: str = "") -> str:
    """Format a metric; a dash if it is undefined."""
    if value is None:
        return "–"
    text = _FORMATS.get(name, _plain)(value)
    # no sign for a value that rounds to 0, such as -0.000
    return text.replace("-", "−" if any("1" <= sign <= "9" for sign in text) else "")


def signed(value: float | None, name: str = "") -> str:
    """Format a difference, with its sign."""
    text = number(value, name)
    return f"+{text}" if value is not None and value > 0 and text[0].isdigit() else text


def interval(figure: Figure, name: str = "", *, sign: bool = False) -> str:
    """Format the 95 % interval of a metric; empty if undefined, or if its bounds round to the same value."""
    if figure.low is None or figure.high is None:
        return ""
    write = signed if sign else number
    low, high = write(figure.low, name), write(figure.high, name)
    return f"{low} to {high}" if low != high else ""


def ratio(ours: float, theirs: float) -> str:
    """Ours divided by theirs: as a multiple, or below 2 as a difference in per cent."""
    found = ours / theirs
    if found >= 1.95:
        return f"{found:,.0f} ×" if found >= 10 else f"{found:.1f} ×"
    return f"{(found - 1) * 100:+.0f} %".replace("-", "−")


def places(findings: Findings) -> int:
    """The cut-off k of the metrics, read from their labels."""
    found = re.search(r"P@(\d+)", findings.labels.get(findings.leading or GENRE, ""))
    return int(found[1]) if found else findings.defaults.k


def verdict_line(verdict: Verdict) -> str:
    """The gate's verdict in one sentence."""
    if not verdict.passed:
        count = len(verdict.reasons)
        return f"The gate refuses promotion, for {'this reason' if count == 1 else f'{count} reasons'}:"
    if verdict.leading is None or verdict.leading.difference is None:
        return "The gate allows promotion, but there was no quality metric to compare."
    lead = verdict.leading
    return (
        f"The gate allows promotion. {lead.label} is {number(lead.ours)}; {lead.against} reaches "
        f"{number(lead.theirs)}, a difference of {signed(lead.difference)} (95 % interval "
        f"{signed(lead.low)} to {signed(lead.high)})."
    )


def meaning(findings: Findings) -> str:
    """The leading metric in words, for readers who do not know it."""
    k = places(findings)
    if findings.leading is None:
        return (
            "The data has neither playlists nor genres to judge by, so the quality of the lists was not "
            "measured. The report shows only their properties."
        )
    ours = _mean(findings, "segue")
    if ours is None:
        return "There are too few seeds for a metric."
    seeds = f"{findings.test_seeds:,} seeds"
    what = (
        f"of the seed's genre, counting only other artists ({seeds})"
        if findings.leading == GENRE
        else "also in the playlist that the seed was taken from. Training never saw these playlists, and "
        "tracks by the seed's own artist do not count "
        f"({seeds} of {findings.test_playlists:,} playlists)"
    )
    text = f"Of {k} tracks that Segue suggests for a song, on average {_of(ours, k)} are {what}."
    others = (("base_design", "the base design"), ("random", "random tracks"))
    known = [(title, _mean(findings, name)) for name, title in others]
    rest = [f"with {title} {_of(mean, k)}" for title, mean in known if mean is not None]
    return f"{text} {' and '.join(rest).capitalize()}." if rest else text


def _of(mean: float, k: int) -> str:
    value = mean * k
    return f"{value:.1f}" if value >= 0.095 else f"{value:.2f}" if value >= 0.0095 else f"{value:.1g}"


def _mean(findings: Findings, method: str) -> float | None:
    found = findings.methods.get(method)
    figure = found.figures.get(findings.leading or "") if found else None
    return figure.mean if figure else None
