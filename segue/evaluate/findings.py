"""``metrics.json``: the results of an evaluation, from which the report is rendered."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from segue.bundle.definition import RequestDefaults
from segue.evaluate.bootstrap import Figure
from segue.evaluate.curve import CurvePoint
from segue.evaluate.gate import CatalogChange
from segue.evaluate.popularity import CalibrationBin, Regression
from segue.evaluate.retrieval import Retrieval
from segue.index.tune import IndexPoint

__all__ = [
    "Example",
    "ExampleTrack",
    "Findings",
    "Method",
    "PartFindings",
    "PopularityFindings",
    "Tradeoff",
    "YoungFindings",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Method(_Frozen):
    """One method's metrics.

    Attributes
    ----------
    title
        Title in the report.
    figures
        Metrics averaged over seeds, by name.
    overall
        Metrics of all lists together, by name.
    gain
        Segue minus this method, paired, by name; empty for Segue itself.
    """

    title: str
    figures: dict[str, Figure]
    overall: dict[str, float | None]
    gain: dict[str, Figure] = {}


class YoungFindings(_Frozen):
    """The popularity model on the newest tracks: those of the year `since` or later."""

    since: int
    regression: dict[str, Regression]


class PopularityFindings(_Frozen):
    """The popularity model on held-out artists, compared with a constant and the mean by genre and year.

    Attributes
    ----------
    regression, ndcg
        By method: ``model``, ``constant``, ``genre and year mean``. NDCG is within the candidates, at k.
    calibration
        Calibration of the model, ascending by prediction.
    unknown
        Tracks of the catalogue without a popularity, for which only the prediction is known.
    young
        The same for the newest of these tracks; None if there are too few.
    """

    regression: dict[str, Regression]
    ndcg: dict[str, Figure]
    calibration: list[CalibrationBin]
    unknown: int = 0
    young: YoungFindings | None = None


class PartFindings(_Frozen):
    """Metrics of a subset of the test seeds.

    Attributes
    ----------
    title
        Title in the report.
    seeds
        Number of seeds.
    figures
        Metrics by method, then by name.
    """

    title: str
    seeds: int
    figures: dict[str, dict[str, Figure]]


class Tradeoff(_Frozen):
    """Metrics of the lists at one value of one setting, with the others at their defaults.

    Attributes
    ----------
    setting, value
        ``diversity`` or ``max_per_artist``, and its value.
    leading
        The leading metric.
    figures
        Other metrics by name: intra-list distance, artists per list, popularity, its lift, hubness.
    """

    setting: str
    value: float
    leading: Figure
    figures: dict[str, float | None]


class ExampleTrack(_Frozen):
    """A track of an example list."""

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
    """Results of an evaluation.

    Attributes
    ----------
    tracks
        Number of tracks of the catalogue.
    leading
        Name of the leading metric; None if the data defines none.
    labels
        Titles of the metrics by name, in the report's order.
    test_seeds, validation_seeds, test_playlists, validation_playlists
        Numbers of seeds and playlists for the metrics, and for the choice of the default weight.
    defaults
        Defaults of a request; `popularity_weight` is the one chosen on the curve.
    methods
        Segue and the baselines by name, Segue first.
    curve
        The leading metric over `popularity_weight`, on validation seeds.
    tradeoffs
        Metrics over `diversity` and `max_per_artist`; empty without a leading metric.
    retrieval, index_curve
        Recall of the index as served, and the points measured in tuning it.
    popularity
        None if no held-out track has a popularity.
    change
        Change of the catalogue since the champion's; None without a champion.
    examples
        Lists for well-known seeds.
    parts
        Subsets of the test seeds by name, for example those of new artists.
    candidate_recall
        Share of the relevant tracks that are among the candidates, by number of candidates.
    learning
        What was learned from playlists: what was tried, and what was kept.
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
