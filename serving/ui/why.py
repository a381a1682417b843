"""Why a track is in the list, in words made from the library's explanation (`segue.recommend.explain`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from serving.gateway import schemas
from serving.ui.sound import feature_name, feature_value
from serving.ui.words import say

__all__ = ["dropped_words", "reasons"]

_NEAR = 4
_FAR = 2
# Smaller contributions, in points of popularity, are left out.
_MIN_POINTS = 0.5


def reasons(
    item: schemas.Item, explained: Mapping[str, Any] | None, *, seed_title: str | None, is_chosen: bool = True
) -> tuple[str, ...]:
    """Sentences about one track of a list, from its entry of the answer's explanation.

    `seed_title` names the seed that it is nearest to, and is None for raw features. `is_chosen`: the
    listener chose that track, and not its artist or genre.
    """
    if not explained:
        return (say("why.none"),)
    sentences = [_nearest(seed_title, is_chosen=is_chosen)]
    if near := explained.get("near"):
        sentences.append(say("why.near", features=_pairs(near[:_NEAR])))
    if far := [entry for entry in explained.get("far", [])[:_FAR] if entry["distance"] > 0]:
        sentences.append(say("why.far", features=_pairs(far)))
    if item.relevance is not None:
        sentences.append(say("why.relevance", value=_signed(item.relevance)))
    if item.predicted_popularity is not None and (given := explained.get("popularity")):
        sentences.append(_popularity(item.predicted_popularity, given))
    if item.popularity is not None:
        sentences.append(say("why.known_popularity", value=f"{item.popularity:.0f}"))
    return tuple(sentences)


def dropped_words(explanation: Mapping[str, Any] | None) -> str | None:
    """How many candidates each rule dropped; None if none was."""
    dropped: Mapping[str, int] = (explanation or {}).get("dropped", {})
    rules = [_rule(name, count) for name, count in dropped.items() if count]
    return say("why.dropped", rules=", ".join(rules)) if rules else None


def _nearest(title: str | None, *, is_chosen: bool) -> str:
    if title is None:
        return say("why.nearest_sound")
    return say("why.nearest" if is_chosen else "why.nearest_of", seed=title)


def _pairs(entries: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(_pair(entry) for entry in entries)


def _pair(entry: Mapping[str, Any]) -> str:
    name = str(entry["feature"])
    track, seed = (feature_value(name, entry[side]) for side in ("track", "seed"))
    text = "why.pair_same" if track == seed else "why.pair"
    return say(text, feature=feature_name(name), track=track, seed=seed)


def _popularity(predicted: float, contributions: Mapping[str, float]) -> str:
    parts = [
        say("why.popularity_part", feature=feature_name(name), points=_points(points))
        for name, points in contributions.items()
        if name != "average" and abs(points) >= _MIN_POINTS
    ]
    average = f"{contributions['average']:.0f}"
    return say("why.popularity", value=f"{predicted:.0f}", average=average, parts="".join(parts))


def _points(points: float) -> str:
    size = f"{abs(points):.0f}" if abs(points) >= 1 else f"{abs(points):.1f}"
    return f"+{size}" if points > 0 else f"\N{MINUS SIGN}{size}"


def _signed(value: float) -> str:
    # a score of LambdaRank, of which only the order has a meaning
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def _rule(name: str, count: int) -> str:
    try:
        return say(f"rule.{name}", count=count)
    except KeyError:
        return f"{name.replace('_', ' ')}: {count}"
