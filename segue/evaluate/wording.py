"""Words and numbers of the report: how a figure is written, what it means, and the summary in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable

from segue.evaluate.findings import Figure, Findings
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

# What each figure of `Findings.labels` means, in one line. {k} is the number of places that count.
GLOSSARY = {
    "precision": "Of the first {k} suggestions, the share that stands in the seed's held-out playlist.",
    "ndcg": "Like precision, but a hit near the top counts more; 1 is the best possible order.",
    "r_precision": "Precision within as many places as the playlist has other tracks.",
    "recall": "Share of the playlist's other tracks that the long list finds.",
    "hit": "Share of seeds with at least one hit in the first {k}.",
    PLAYLIST: "Precision with the seed's own artist taken out of list and playlist: finding more of the same "
    "artist is easy, so this one leads.",
    "artist_filtered_ndcg": "NDCG with the seed's own artist taken out.",
    "artist_filtered_r_precision": "R-precision with the seed's own artist taken out.",
    "artist_filtered_recall": "Recall with the seed's own artist taken out.",
    "artist_filtered_hit": "Share of seeds with a hit, the seed's own artist taken out.",
    GENRE: "Of the first {k} suggestions by other artists, the share that has the seed's genre.",
    "popularity": "Mean popularity (0-100) of the suggested tracks.",
    "artists_per_list": "Different artists among the first {k}; more is more varied.",
    "intra_list_distance": "Mean distance between two tracks of a list; larger is more varied, smaller is "
    "more of a piece.",
    "list_length": "Tracks that a list of {k} really holds; less means that the catalogue ran out.",
    "coverage": "Share of the catalogue that is in at least one list; more seeds give more.",
    "distinct_tracks": "How many different tracks all lists together hold.",
    "gini": "How unevenly tracks are shown: 0 is all alike, 1 is one track in every list.",
    "hubness": "Skew of how often a track is suggested: high means that a few tracks turn up everywhere.",
    "popularity_lift": "Popularity of the lists over that of their seeds: 1 keeps the seeds' level.",
    "popularity_lift_over_catalogue": "Popularity of the lists over the catalogue's mean.",
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
    """Text with control characters as visible signs, since HTML does not allow them."""
    return _CONTROL.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
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
    """0.123 as 12.3 %."""
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
    """A figure as the report writes it; a dash where it is not defined."""
    if value is None:
        return "–"
    text = _FORMATS.get(name, _plain)(value)
    # -0.0001 rounds to -0.000, which no reader needs
    return text.replace("-", "−" if any("1" <= sign <= "9" for sign in text) else "")


def signed(value: float | None, name: str = "") -> str:
    """A difference, with its sign."""
    text = number(value, name)
    return f"+{text}" if value is not None and value > 0 and text[0].isdigit() else text


def interval(figure: Figure, name: str = "", *, sign: bool = False) -> str:
    """Bounds of a figure's 95 % interval; empty where there is none, or none that shows."""
    if figure.low is None or figure.high is None:
        return ""
    write = signed if sign else number
    low, high = write(figure.low, name), write(figure.high, name)
    return f"{low} to {high}" if low != high else ""


def ratio(ours: float, theirs: float) -> str:
    """Ours over theirs: as a multiple, or in per cent where it is less than twice."""
    found = ours / theirs
    if found >= 1.95:
        return f"{found:,.0f} ×" if found >= 10 else f"{found:.1f} ×"
    return f"{(found - 1) * 100:+.0f} %".replace("-", "−")


def places(findings: Findings) -> int:
    """How many places of a list count: it stands in the labels."""
    found = re.search(r"P@(\d+)", findings.labels.get(findings.leading or GENRE, ""))
    return int(found[1]) if found else findings.defaults.k


def verdict_line(verdict: Verdict) -> str:
    """What the gate decided, in one sentence."""
    if not verdict.passed:
        count = len(verdict.reasons)
        return f"The gate refuses promotion, for {'this reason' if count == 1 else f'{count} reasons'}:"
    if verdict.leading is None or verdict.leading.difference is None:
        return "The gate lets this bundle be promoted, but had no figure of quality to compare."
    lead = verdict.leading
    return (
        f"The gate lets this bundle be promoted. {lead.label} is {number(lead.ours)}; {lead.against} reaches "
        f"{number(lead.theirs)}, a difference of {signed(lead.difference)} (95 % interval "
        f"{signed(lead.low)} to {signed(lead.high)})."
    )


def meaning(findings: Findings) -> str:
    """The leading figure in words, for a person who has never seen one."""
    k = places(findings)
    if findings.leading is None:
        return (
            "The data has neither playlists nor genres to judge by, so no figure says how good the lists "
            "are. What follows shows what they look like."
        )
    ours = _mean(findings, "segue")
    if ours is None:
        return "Too few seeds are judged for a figure."
    seeds = f"{findings.test_seeds:,} seeds"
    what = (
        f"of the seed's genre, counting other artists alone ({seeds})"
        if findings.leading == GENRE
        else "in the playlist that the seed was taken from, too. Training never saw these playlists, and "
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
