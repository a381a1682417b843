"""Findings, profiles and verdicts made by hand, as evaluate makes them of a real catalogue."""

from __future__ import annotations

from typing import Any

import numpy as np

from segue.bundle.definition import RequestDefaults
from segue.catalog.columns import COLUMNS, NUMERIC, column_named
from segue.catalog.profile import (
    FileProfile,
    Histogram,
    InteractionsProfile,
    NumericProfile,
    Profile,
    Reason,
    RejectedExample,
)
from segue.evaluate.curve import CurvePoint
from segue.evaluate.eda import Eda, explore
from segue.evaluate.findings import (
    Example,
    ExampleTrack,
    Figure,
    Findings,
    Method,
    PartFindings,
    PopularityFindings,
    Tradeoff,
    YoungFindings,
)
from segue.evaluate.gate import CatalogChange, Leading, Verdict, decide
from segue.evaluate.judge import GENRE, PLAYLIST, labels
from segue.evaluate.popularity import CalibrationBin, Regression
from segue.evaluate.retrieval import Retrieval
from segue.features.transform import FEATURES
from segue.index.tune import IndexPoint

SCRIPT = "<script>alert('x')</script>"
ARABIC = "عمرو دياب"
LABELS = labels(10, 50)
OVERALL = (
    "coverage",
    "distinct_tracks",
    "gini",
    "hubness",
    "popularity_lift",
    "popularity_lift_over_catalogue",
)
LISTS = ("popularity", "artists_per_list", "intra_list_distance", "list_length")
# title and how good it is, as a share of Segue's figures
METHODS = {
    "segue": ("Segue", 1.0),
    "nearest": ("Nearest only", 1.02),
    "base_design": ("Base design", 0.05),
    "most_popular": ("Most popular", 0.13),
    "random": ("Random", 0.02),
}


def _figure(mean: float, spread: float = 0.2) -> Figure:
    return Figure(mean=mean, low=mean * (1 - spread), high=mean * (1 + spread), seeds=3000)


def _gain(mean: float) -> Figure:
    return Figure(mean=mean, low=mean - 0.01, high=mean + 0.01, seeds=3000)


def make_method(name: str, *, playlists: bool, genres: bool) -> Method:
    title, level = METHODS[name]
    quality = [figure for figure in LABELS if figure not in (*OVERALL, *LISTS, GENRE)] if playlists else []
    per_seed = dict.fromkeys(quality, 0.1234 * level) | ({GENRE: 0.81 * level} if genres else {})
    gain = {figure: _gain(0.1234 * (1 - level)) for figure in per_seed}
    values = dict(zip(LISTS, (41.25, 9.5, 1.75, 10.0), strict=True))
    return Method(
        title=title,
        figures={figure: _figure(mean) for figure, mean in (per_seed | values).items()},
        overall=dict(zip(OVERALL, (0.467, 13233.0, 0.7, 2.33, 1.08, None), strict=True)),
        gain={} if name == "segue" else gain,
    )


def make_findings(
    *,
    playlists: bool = True,
    genres: bool = True,
    popularity: bool = True,
    champion: bool = True,
    track_name: str = "Dance Monkey",
) -> Findings:
    leading = PLAYLIST if playlists else GENRE if genres else None
    figures: dict[str, Any] = {
        "tracks": 28352,
        "leading": leading,
        "labels": LABELS,
        "test_seeds": 3000,
        "validation_seeds": 1500,
        "test_playlists": 58 if playlists else 0,
        "validation_playlists": 33 if playlists else 0,
        "defaults": RequestDefaults(popularity_weight=0.35),
        "methods": {name: make_method(name, playlists=playlists, genres=genres) for name in METHODS},
        "curve": _curve(popularity) if leading else [],
        "tradeoffs": _tradeoffs() if leading else [],
        "parts": _parts() if playlists else {},
        "candidate_recall": {500: _figure(0.4321)} if playlists else {},
        "retrieval": Retrieval(queries=300, recall={10: 0.9987, 100: 0.9961, 200: 0.9943}, worst=0.9512),
        "index_curve": _index_curve(),
        "popularity": _popularity() if popularity else None,
        "change": make_change() if champion else None,
        "examples": _examples(track_name, popularity),
    }
    return Findings.model_validate(figures)


def _tradeoffs() -> list[Tradeoff]:
    """What diversity gives up, and what a looser cap on artists does."""
    steps = {"diversity": (0.0, 0.3, 0.7), "max_per_artist": (1, 2, 10)}
    return [
        Tradeoff(
            setting=setting,
            value=value,
            leading=_figure(0.254 - 0.02 * place),
            figures={"artists_per_list": 8.0 + place, "popularity": 47.5, "hubness": 8.19},
        )
        for setting, values in steps.items()
        for place, value in enumerate(values)
    ]


def _parts() -> dict[str, PartFindings]:
    titles = {
        "new_artist": "Seeds of artists in no training playlist",
        "cold": "Seeds in no training playlist",
    }
    return {
        name: PartFindings(
            title=title,
            seeds=1424,
            figures={
                method: {"precision": _figure(level), "artist_filtered_precision": _figure(level / 2)}
                for method, level in (("Segue", 0.4456), ("Standardised", 0.161))
            },
        )
        for name, title in titles.items()
    }


def make_change(psi: float = 0.04) -> CatalogChange:
    return CatalogChange(
        rows=28352,
        champion_rows=27100,
        psi={"energy": psi, "tempo": 0.13, "year": 0.0071, "popularity": None},
        missing_rise={"genre": 0.021, "tempo": 0.0},
    )


def make_verdict(findings: Findings, *, low: float = 0.09) -> Verdict:
    """The gate's own verdict on these findings."""
    if findings.leading is None:
        return decide(None, findings.change)
    leading = Leading(
        metric=findings.leading,
        label=findings.labels[findings.leading],
        against="the champion" if findings.change else "the base design",
        ours=0.1234,
        theirs=0.0062,
        difference=0.1172,
        low=low,
        high=0.1391,
        seeds=3000,
    )
    return decide(leading, findings.change, champion="c0ffee" * 10 + "abcd" if findings.change else None)


def make_profile(
    *, playlists: bool = True, genres: bool = True, rejected: str = "", source: str = "catalog.csv.gz"
) -> Profile:
    sha = "f9f413149d84290c0334078d0792e53bbb04a5115f6d927b96c91937e2de0ed3"
    reasons = [
        Reason(
            column="track_name",
            reason="required, but missing",
            count=4,
            examples=[RejectedExample(file="catalog.csv.gz", row=4704, value=rejected)],
        )
    ]
    missing = {column.name: 0 for column in COLUMNS} | {"album_id": 28352, "tempo": 1}
    missing["genre"] = 7205 if genres else 28352
    return Profile(
        source=source,
        sha256=sha,
        layout="kaggle-1m",
        columns={"track_id": "track_id", "artist_name": "artist_name", "genre": "playlist_genre"},
        files=[FileProfile(name=source, sha256=sha, bytes=2085615, layout="kaggle-1m", rows=28356)],
        rows_read=28356,
        rows_kept=28352,
        rows_rejected=4,
        reasons=reasons,
        missing=missing,
        numeric={name: _numeric(name) for name in NUMERIC},
        genres={"edm": 3934, "rock": 3699, "r&b": 3382} if genres else {},
        other_genres=0,
        years={str(year): 10 + (year - 1960) ** 2 for year in range(1960, 2021)},
        duplicate_ids=12,
        interactions=_interactions() if playlists else None,
    )


def make_eda(rows: int = 500) -> Eda:
    random = np.random.default_rng(5)
    features = random.random((rows, len(FEATURES)), dtype=np.float32)
    features[:, FEATURES.index("loudness")] = features[:, FEATURES.index("energy")] * 20 - 25
    features[:, FEATURES.index("year")] = random.integers(1960, 2021, rows)
    popularity = (features[:, FEATURES.index("energy")] * 80).astype(np.float32)
    return explore(features, FEATURES, popularity)


def make_training() -> dict[str, Any]:
    curve = [23.4 - 1.7 * (1 - 0.95**i) + 0.001 * i for i in range(111)]
    return {
        "settings": {"rounds": 300, "learning_rate": 0.08, "max_train_rows": 2_000_000, "seed": 7},
        "parameters": {"objective": "regression", "num_threads": 2},
        "validation_curve": curve,
        "trees": 81,
        "train_rows": 22681,
        "validation_rows": 3161,
        "validation_rmse": min(curve),
        "importance": {"year": 6412458.933, "genre": 3877986.755, "energy": 1510851.748, "explicit": 0.0},
    }


def _numeric(name: str) -> NumericProfile:
    edges = column_named(name).edges
    counts = [int(1000 * np.exp(-((i - len(edges) / 2) ** 2) / 20)) for i in range(len(edges) - 1)]
    if name == "time_signature":
        counts = [0] * len(counts)
    known = sum(counts) > 0
    return NumericProfile(
        mean=(edges[0] + edges[-1]) / 2 if known else None,
        std=0.2 if known else None,
        min=edges[0] if known else None,
        max=edges[-1] if known else None,
        histogram=Histogram(edges=list(edges), counts=counts, missing=0),
    )


def _interactions() -> InteractionsProfile:
    return InteractionsProfile(
        source="playlists.csv.gz",
        sha256="e" * 64,
        files=[],
        columns={"playlist_id": "playlist_id", "track_id": "track_id"},
        rows_read=15865,
        rows_kept=15861,
        rows_rejected=4,
        reasons=[
            Reason(
                column="track_id",
                reason="not in the catalogue",
                count=4,
                examples=[RejectedExample(file="playlists.csv.gz", row=9, value="unknown1")],
            )
        ],
        playlists=236,
        tracks=14629,
    )


def _curve(popularity: bool) -> list[CurvePoint]:
    return [
        CurvePoint(
            popularity_weight=round(i * 0.05, 2),
            leading=0.12 - 0.03 * (i / 20) ** 3,
            low=0.1 - 0.03 * (i / 20) ** 3,
            high=0.14 - 0.03 * (i / 20) ** 3,
            popularity=43.0 + i if popularity else None,
        )
        for i in range(21)
    ]


def _index_curve() -> list[IndexPoint]:
    found = [
        ("IVF1024,Flat", 8, 0.93439, 10597.3),
        ("IVF1024,Flat", 16, 0.97951, 19888.7),
        ("IVF1024,Flat", 32, 0.99493, 38291.4),
        ("IVF2048,Flat", 24, 0.97657, 773.7),
        ("IVF2048,Flat", 48, 0.99294, 1038.5),
        ("Flat", 0, 1.0, 1160000.0),
    ]
    return [
        IndexPoint(factory=f, parameter=p, recall=r, recall_low=r - 0.001, scanned=s, bytes=120_023_627)
        for f, p, r, s in found
    ]


def _popularity() -> PopularityFindings:
    return PopularityFindings(
        regression={
            "model": Regression(tracks=2510, r2=0.2031, mae=17.38, spearman=0.4402),
            "constant": Regression(tracks=2510, r2=-0.00004, mae=19.45, spearman=None),
            "genre and year mean": Regression(tracks=2510, r2=0.1372, mae=18.27, spearman=0.3563),
        },
        ndcg={
            "model": _figure(0.79, 0.02),
            "constant": _figure(0.694, 0.02),
            "genre and year mean": Figure(mean=None, low=None, high=None, seeds=0),
        },
        calibration=[
            CalibrationBin(predicted=20 + 4 * i, actual=19 + 4.1 * i, tracks=251) for i in range(10)
        ],
        unknown=512,
        young=YoungFindings(
            since=2019, regression={"model": Regression(tracks=301, r2=0.1812, mae=18.4, spearman=0.41)}
        ),
    )


def _examples(track_name: str, popularity: bool) -> list[Example]:
    def track(name: str, artist: str, number: int) -> ExampleTrack:
        value = 90.0 - number if popularity else None
        return ExampleTrack(
            track_id=f"id{number}", track_name=name, artist_name=artist, similarity=0.9, popularity=value
        )

    items = [track(f"Song {number}", "Tones and I", number) for number in range(1, 10)]
    return [
        Example(seed=track(track_name, ARABIC, 0), genre="edm", items=[*items, track(track_name, "B", 10)]),
        Example(seed=track("Alone", "Nobody", 11), genre=None, items=[]),
    ]
