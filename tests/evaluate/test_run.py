"""The evaluate step on a catalogue with playlists: what it measures, decides and writes."""

import html
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pytest

from segue.catalog.ingest import ingest
from segue.catalog.profile import Profile
from segue.evaluate.champion import against_champion
from segue.evaluate.drift import psi
from segue.evaluate.measure import Subject
from segue.evaluate.run import Evaluation, evaluate
from segue.evaluate.settings import EvaluationSettings
from segue.features.preprocess import preprocess
from segue.features.reference import Reference
from segue.index.build import build_index
from segue.ranking.train import TrainSettings, train
from segue.recommend.model import Bundle
from segue.recommend.recommender import Recommender
from segue.recommend.request import Request, Seed
from segue.recommend.rerank import LocalRanker
from segue.sample import generate
from segue.steps.assemble import collect

SETTINGS = EvaluationSettings(max_seeds=300, bootstrap_rounds=300, weight_step=0.25, examples=3)
TRAINING = TrainSettings(rounds=40, threads=1, max_queries=600)
FILES = ("metrics.json", "verdict.json", "defaults.json", "reference.json", "report.html", "report.md")


@dataclass(frozen=True)
class Trained:
    root: Path
    bundle: Bundle
    profile: Profile

    def evaluate(self, out: str, **options: object) -> Evaluation:
        return evaluate(
            self.bundle,
            self.root / out,
            preprocessed=self.root / "preprocessed",
            trained=self.root / "trained",
            indexed=self.root / "indexed",
            profile=self.profile,
            settings=SETTINGS,
            **options,  # type: ignore[arg-type]
        )

    def subject(self) -> Subject:
        ranker = LocalRanker(self.bundle.definition, self.bundle.path)
        return Subject(self.bundle, ranker, self.root / "preprocessed", SETTINGS)


def make(root: Path, *, playlists: bool) -> Trained:
    sample = root / "sample"
    generate(8_000, sample)
    interactions = str(sample / "playlists.csv") if playlists else ""
    profile = ingest(str(sample / "catalog.csv"), root / "ingested", interactions=interactions)
    preprocess(root / "ingested", root / "preprocessed")
    train(root / "preprocessed", root / "trained", settings=TRAINING)
    build_index(root / "trained", root / "preprocessed", root / "indexed")
    definition, parts = collect(
        preprocessed=root / "preprocessed",
        trained=root / "trained",
        indexed=root / "indexed",
        catalog_profile=profile.digest,
    )
    return Trained(root, Bundle(definition, parts.__getitem__), profile)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return make(tmp_path_factory.mktemp("evaluate"), playlists=True)


@pytest.fixture(scope="module")
def evaluation(trained: Trained) -> Evaluation:
    return trained.evaluate("evaluated")


def test_segue_beats_what_it_must_beat(evaluation: Evaluation) -> None:
    methods = evaluation.findings.methods
    assert list(methods) == [
        "segue",
        "nearest",
        "standardised",
        "standardised_without_genre",
        "co_listened",
        "same_artist",
        "base_design",
        "most_popular",
        "random",
    ]
    assert evaluation.findings.leading == "artist_filtered_precision"
    leading = {
        name: method.figures["artist_filtered_precision"].mean or 0 for name, method in methods.items()
    }
    assert leading["segue"] > 5 * leading["base_design"]
    assert leading["segue"] > 5 * leading["random"]
    assert leading["segue"] > leading["standardised"]
    gain = methods["base_design"].gain["artist_filtered_precision"]
    assert gain.low is not None
    assert gain.low > 0
    assert gain.mean == pytest.approx(leading["segue"] - leading["base_design"], abs=1e-5)


def test_figures_have_intervals_around_them(evaluation: Evaluation) -> None:
    for method in evaluation.findings.methods.values():
        for figure in method.figures.values():
            if figure.mean is not None and figure.low is not None and figure.high is not None:
                assert figure.low <= figure.mean <= figure.high


def test_everything_is_written(trained: Trained, evaluation: Evaluation) -> None:
    out = trained.root / "evaluated"
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert orjson.loads((out / "metrics.json").read_bytes())["tracks"] == trained.bundle.size
    assert orjson.loads((out / "defaults.json").read_bytes()) == evaluation.findings.defaults.model_dump()
    reference = Reference.model_validate_json((out / "reference.json").read_bytes())
    assert sum(reference.outputs["similarity"].shares) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_lists_of_any_number_of_seeds_are_like_the_reference(
    trained: Trained, evaluation: Evaluation, seeds: int
) -> None:
    """SegueOutputDrift fires above a PSI of 0.25 between the lists of an hour and the reference."""
    path = trained.root / "evaluated" / "reference.json"
    outputs = Reference.model_validate_json(path.read_bytes()).outputs
    assert outputs.keys() == {"similarity", "predicted_popularity", "score"}
    served = trained.bundle.definition.model_copy(update={"defaults": evaluation.findings.defaults})
    bundle = Bundle(served, trained.bundle.path)
    ids = bundle.values("track_id", trained.subject().test.judge.seeds.astype(np.int64))
    random = np.random.default_rng(7)
    requests = [
        Request(seeds=[Seed(track_id=track) for track in random.choice(ids, seeds, replace=False).tolist()])
        for _ in range(300)
    ]
    answers = Recommender(bundle).recommend(requests, LocalRanker(served, bundle.path))
    items = [item for answer in answers for item in answer.items]
    for name, bins in outputs.items():
        values = np.array([getattr(item, name) for item in items], np.float32)
        assert psi(bins.shares, bins.count(values)) < 0.25, name


def test_two_runs_say_the_same(trained: Trained, evaluation: Evaluation) -> None:
    trained.evaluate("again")
    for name in FILES:
        first = (trained.root / "evaluated" / name).read_bytes()
        assert first == (trained.root / "again" / name).read_bytes(), name


def test_without_a_champion_the_base_design_is_what_the_gate_compares_with(evaluation: Evaluation) -> None:
    verdict = evaluation.verdict
    assert (verdict.passed, verdict.against, verdict.champion) == (True, "base design", None)
    assert [check.outcome for check in verdict.checks] == ["passed", *["not checked"] * 3]


def test_a_champion_that_is_the_same_differs_by_nothing(trained: Trained, evaluation: Evaluation) -> None:
    digest = "a" * 64
    published = trained.bundle.definition.model_copy(update={"defaults": evaluation.findings.defaults})
    again = trained.evaluate(
        "against",
        champion=(digest, Bundle(published, trained.bundle.path)),
        champion_profile=trained.profile,
    )
    assert again.verdict.leading is not None
    assert again.verdict.leading.difference == 0
    assert again.verdict.passed
    assert again.verdict.champion == digest
    assert [check.outcome for check in again.verdict.checks] == ["passed"] * 4


def test_a_worse_challenger_is_refused(trained: Trained) -> None:
    """The bundle as champion, against itself with its lists by popularity alone."""
    subject = trained.subject()
    subject.__dict__["weight"] = 1.0
    best = trained.bundle.definition.defaults.model_copy(update={"popularity_weight": 0.0})
    champion = Bundle(trained.bundle.definition.model_copy(update={"defaults": best}), trained.bundle.path)
    leading = against_champion(subject, champion)
    assert leading is not None
    assert leading.difference is not None
    assert leading.difference < 0
    assert leading.low is not None
    assert leading.low < leading.difference


def test_the_report_opens_with_what_matters(trained: Trained, evaluation: Evaluation) -> None:
    page = (trained.root / "evaluated" / "report.html").read_text()
    segue = evaluation.findings.methods["segue"].figures["artist_filtered_precision"].mean
    assert f"{segue:.3f}"[:5] in page or f"{100 * (segue or 0):.1f}" in page
    assert "<script" not in page
    assert html.escape(evaluation.findings.examples[0].seed.artist_name) in page


def test_few_playlists_do_not_lead(trained: Trained) -> None:
    """Then neither part is judged by them, and the genres lead on both."""
    strict = SETTINGS.model_copy(update={"min_playlists": 100_000})
    subject = trained.subject()
    subject.settings = strict
    assert subject.leading == "artist_filtered_genre_precision"
    assert subject.test.relevance.playlists == subject.validation.relevance.playlists == 0
    assert subject.curve


def test_without_playlists_the_genres_lead(tmp_path: Path) -> None:
    evaluation = make(tmp_path, playlists=False).evaluate("evaluated")
    assert evaluation.findings.leading == "artist_filtered_genre_precision"
    assert evaluation.findings.test_playlists == 0
    methods = evaluation.findings.methods
    ours = methods["segue"].figures["artist_filtered_genre_precision"].mean or 0
    assert ours > 3 * (methods["base_design"].figures["artist_filtered_genre_precision"].mean or 0)
    assert "precision" not in methods["segue"].figures


def test_the_popularity_model_beats_a_constant(evaluation: Evaluation) -> None:
    found = evaluation.findings.popularity
    assert found is not None
    model, constant = found.regression["model"], found.regression["constant"]
    assert (model.r2 or 0) > 0.1
    assert abs(constant.r2 or 0) < 0.2
    assert (model.mae or 99) < (constant.mae or 0)
    predicted = [part.predicted for part in found.calibration]
    assert predicted == sorted(predicted)
    assert np.corrcoef(predicted, [part.actual for part in found.calibration])[0, 1] > 0.8


def test_the_popularity_model_is_judged_on_the_youngest_tracks_apart(
    trained: Trained, evaluation: Evaluation
) -> None:
    found = evaluation.findings.popularity
    assert found is not None
    assert found.young is not None
    assert found.unknown == np.isnan(trained.bundle.popularity).sum() > 0
    years = trained.bundle.feature("year")
    share = (years >= found.young.since).sum() / np.isfinite(years).sum()
    assert 0.05 < share < 0.3
    assert 30 <= found.young.regression["model"].tracks < 0.4 * found.regression["model"].tracks
    assert set(found.young.regression) == set(found.regression)


def test_tracks_in_no_training_playlist_are_recommended(evaluation: Evaluation) -> None:
    part = evaluation.findings.parts["cold_tracks"]
    ours, chance = part.figures["Segue"]["precision"], evaluation.findings.methods["random"]
    assert part.seeds > 50
    assert (ours.low or 0) > 3 * (chance.figures["precision"].mean or 1)


def test_more_diverse_lists_are_bought_with_the_leading_figure(
    trained: Trained, evaluation: Evaluation
) -> None:
    points = {(point.setting, point.value): point for point in evaluation.findings.tradeoffs}
    assert len({point.leading.seeds for point in points.values()}) == 1
    least, most = points["diversity", 0.0], points["diversity", 0.7]
    assert (most.figures["intra_list_distance"] or 0) > (least.figures["intra_list_distance"] or 0)
    assert (most.leading.mean or 0) < (least.leading.mean or 0)
    artists = [
        points["max_per_artist", cap].figures["artists_per_list"] or 0 for cap in (1, 2, SETTINGS.depth)
    ]
    assert artists[0] > artists[1] > artists[2]
    default = points["max_per_artist", float(SETTINGS.max_per_artist)]
    assert default.leading == least.leading
    page = (trained.root / "evaluated" / "report.html").read_text()
    assert f"<strong>max_per_artist {SETTINGS.max_per_artist}</strong>" in page
