"""``metrics.json``: everything that an evaluation measured, in the form that the report is drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from segue.bundle.definition import RequestDefaults
from segue.evaluate.bootstrap import Interval
from segue.evaluate.curve import CurvePoint
from segue.evaluate.gate import CatalogChange
from segue.evaluate.popularity import CalibrationBin, Regression
from segue.evaluate.retrieval import Retrieval
from segue.index.tune import IndexPoint

__all__ = [
    "Example",
    "ExampleTrack",
    "Figure",
    "Findings",
    "Method",
    "PartFindings",
    "PopularityFindings",
    "Tradeoff",
    "YoungFindings",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Figure(_Frozen):
    """A mean over seeds and its 95 % interval; None where the data does not define it."""

    mean: float | None
    low: float | None
    high: float | None
    seeds: int

    @classmethod
    def of(cls, interval: Interval) -> Figure:
        """A figure of what was measured."""
        return cls.model_validate(interval.as_dict())

    @classmethod
    def of_each(cls, intervals: Mapping[str, Interval]) -> dict[str, Figure]:
        """Figures by name."""
        return {name: cls.of(interval) for name, interval in intervals.items()}


class Method(_Frozen):
    """One method's figures.

    Attributes
    ----------
    title
        What the report calls it.
    figures
        Figures that each seed has, by name.
    overall
        Figures that only all lists together have.
    gain
        Segue minus this method, paired, by name; empty for Segue itself.
    """

    title: str
    figures: dict[str, Figure]
    overall: dict[str, float | None]
    gain: dict[str, Figure] = {}


class YoungFindings(_Frozen):
    """The popularity model on the youngest tracks: those of the year `since` or later."""

    since: int
    regression: dict[str, Regression]


class PopularityFindings(_Frozen):
    """The popularity model on artists never trained on, beside a constant and the genre-and-year mean.

    Attributes
    ----------
    regression, ndcg
        By method: ``model``, ``constant``, ``genre and year mean``. NDCG within the candidates, at k.
    calibration
        The model's, ascending.
    unknown
        Tracks of the catalogue without a popularity, for which the model's is the only one.
    young
        The youngest of the tracks judged; None where there are few.
    """

    regression: dict[str, Regression]
    ndcg: dict[str, Figure]
    calibration: list[CalibrationBin]
    unknown: int = 0
    young: YoungFindings | None = None


class PartFindings(_Frozen):
    """Figures of some of the test seeds, reported apart.

    Attributes
    ----------
    title
        What the report calls them.
    seeds
        How many they are.
    figures
        By method, then by name.
    """

    title: str
    seeds: int
    figures: dict[str, dict[str, Figure]]


class Tradeoff(_Frozen):
    """The lists at one value of one setting, the others at their defaults.

    Attributes
    ----------
    setting, value
        ``diversity`` or ``max_per_artist``, and where it stood.
    leading
        The leading figure.
    figures
        What the lists are like, by name: intra-list distance, artists a list, popularity, its lift, hubness.
    """

    setting: str
    value: float
    leading: Figure
    figures: dict[str, float | None]


class ExampleTrack(_Frozen):
    """A track as an example list shows it."""

    track_id: str
    track_name: str
    artist_name: str
    similarity: float
    popularity: float | None


class Example(_Frozen):
    """A seed and its list."""

    seed: ExampleTrack
    genre: str | None
    items: list[ExampleTrack]


class Findings(_Frozen):
    """All of it.

    Attributes
    ----------
    tracks
        Tracks of the catalogue.
    leading
        Name of the figure that leads; None where the data defines none.
    labels
        What each figure is called, in the report's order.
    test_seeds, validation_seeds, test_playlists, validation_playlists
        What was judged on, and what the default weight was chosen on.
    defaults
        Defaults of a request; `popularity_weight` is the one chosen on the curve.
    methods
        By name, Segue first.
    curve
        The leading figure over `popularity_weight`, on validation seeds.
    tradeoffs
        The same over `diversity` and `max_per_artist`; empty where nothing leads.
    retrieval, index_curve
        Recall of the index as it is served, and the points measured when it was tuned.
    popularity
        None where the catalogue has no popularity to judge by.
    change
        The catalogue against the champion's; None without a champion.
    examples
        Lists for well-known seeds.
    parts
        Seeds that are reported apart, such as those of artists never trained on; by name.
    candidate_recall
        Share of the relevant tracks among the candidates, by number of candidates.
    learning
        What playlists taught: what was tried, and what was chosen.
    """

    tracks: int
    leading: str | None
    labels: dict[str, str]
    test_seeds: int
    validation_seeds: int
    test_playlists: int
    validation_playlists: int
    defaults: RequestDefaults
    methods: dict[str, Method]
    curve: list[CurvePoint]
    tradeoffs: list[Tradeoff] = []
    retrieval: Retrieval
    index_curve: list[IndexPoint]
    popularity: PopularityFindings | None
    change: CatalogChange | None
    examples: list[Example]
    parts: dict[str, PartFindings] = {}
    candidate_recall: dict[int, Figure] = {}
    learning: dict[str, Any] = {}
