"""The gate: what it refuses, what it lets pass, and that it says why."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from segue.evaluate.bootstrap import ClusterBootstrap
from segue.evaluate.gate import CatalogChange, GateSettings, Leading, Verdict, compare, decide


def leading(ours: np.ndarray, theirs: np.ndarray) -> Leading:
    draws = ClusterBootstrap(np.arange(len(ours)) // 10)
    return compare(
        ours, theirs, draws, metric="artist_filtered_precision", label="P@10", against="the champion"
    )


def change(**given: object) -> CatalogChange:
    fields = {"rows": 1000, "champion_rows": 1000, "psi": {"tempo": 0.01}, "missing_rise": {"tempo": 0.0}}
    return CatalogChange.model_validate(fields | given)


@pytest.fixture(scope="module")
def champion() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 5, 1000) / 10


def outcomes(verdict: Verdict) -> dict[str, str]:
    return {check.name: check.outcome for check in verdict.checks}


def test_the_champion_itself_passes(champion):
    verdict = decide(leading(champion, champion), change(), champion="ab" * 32)
    assert verdict.passed
    assert verdict.reasons == []
    assert set(outcomes(verdict).values()) == {"passed"}
    assert verdict.against == "champion"


def test_a_worse_model_is_refused_and_the_reason_names_the_figures(champion):
    verdict = decide(leading(champion - 0.05, champion), change(), champion="ab" * 32)
    assert not verdict.passed
    assert outcomes(verdict)["quality"] == "failed"
    (reason,) = verdict.reasons
    allowed = -0.02 * champion.mean()
    assert f"{champion.mean():.4f}" in reason
    assert f"{champion.mean() - 0.05:.4f}" in reason
    assert f"{allowed:+.4f}" in reason
    assert f"{allowed + 0.05:.4f} below it" in reason


def test_a_loss_within_the_tolerance_passes_and_one_beyond_it_does_not(champion):
    # a constant difference has an interval of no width
    inside = leading(champion - 0.019 * champion.mean(), champion)
    beyond = leading(champion - 0.021 * champion.mean(), champion)
    assert decide(inside, change()).passed
    assert not decide(beyond, change()).passed
    assert decide(beyond, change(), settings=GateSettings(gate_tolerance=0.03)).passed


def test_the_lower_end_decides_not_the_mean(champion):
    noisy = champion + np.random.default_rng(1).normal(0, 1, 1000)
    noisy += champion.mean() - noisy.mean()
    found = leading(noisy, champion)
    assert found.difference == pytest.approx(0, abs=1e-6)
    assert not decide(found, change()).passed


def test_seeds_that_one_side_cannot_answer_are_left_out():
    ours = np.array([0.5] * 40 + [0.0] * 20)
    theirs = np.array([0.5] * 40 + [np.nan] * 20)
    found = leading(ours, theirs)
    assert (found.ours, found.theirs, found.seeds) == (0.5, 0.5, 40)


def test_drift_is_refused_with_column_and_size(champion):
    verdict = decide(leading(champion, champion), change(psi={"tempo": 0.31, "energy": 0.9, "key": 0.2}))
    assert not verdict.passed
    assert verdict.reasons == ["The catalogue has drifted: PSI of energy 0.90, tempo 0.31 (limit 0.25)."]


def test_a_small_catalogue_is_not_judged_by_psi(champion):
    verdict = decide(leading(champion, champion), change(rows=400, champion_rows=450, psi={"tempo": 3.0}))
    assert outcomes(verdict)["drift"] == "not checked"
    assert verdict.passed


@pytest.mark.parametrize(("rows", "passes"), [(800, True), (799, False), (10_000, True), (10_001, False)])
def test_row_count(champion, rows, passes):
    verdict = decide(leading(champion, champion), change(rows=rows))
    assert verdict.passed is passes
    if not passes:
        assert f"{rows:,} tracks" in verdict.reasons[0]


def test_missing_values(champion):
    verdict = decide(leading(champion, champion), change(missing_rise={"year": 0.105, "genre": -0.4}))
    assert verdict.reasons == ["More values are missing: year by 10.5 points (limit 10 points)."]
    assert decide(leading(champion, champion), change(missing_rise={"year": 0.1})).passed


def test_every_broken_limit_is_named():
    bad = np.zeros(100)
    verdict = decide(
        leading(bad, bad + 0.3), change(rows=600, psi={"tempo": 1.0}, missing_rise={"year": 0.5})
    )
    assert set(outcomes(verdict).values()) == {"failed"}
    assert len(verdict.reasons) == 4


def test_without_a_champion_the_base_design_is_the_bar(champion):
    verdict = decide(leading(champion, champion * 0.2), None)
    assert verdict.passed
    assert verdict.against == "base design"
    assert verdict.champion is None
    assert outcomes(verdict) == {
        "quality": "passed",
        "drift": "not checked",
        "rows": "not checked",
        "missing": "not checked",
    }


def test_nothing_to_lead_with_and_too_few_seeds_are_said():
    assert outcomes(decide(None, None))["quality"] == "not checked"
    one = leading(np.zeros(5), np.zeros(5))
    verdict = decide(one, None)
    assert outcomes(verdict)["quality"] == "not checked"
    assert "5 seeds are too few" in verdict.checks[0].text


def measured(low: float, theirs: float = 1.0) -> Leading:
    return Leading(
        metric="precision",
        label="P@10",
        against="the champion",
        ours=theirs,
        theirs=theirs,
        difference=0.0,
        low=low,
        high=0.5,
        seeds=1234,
    )


def test_the_lower_end_may_lie_on_the_limit_itself() -> None:
    settings = GateSettings(gate_tolerance=0.25)
    assert decide(measured(-0.25), None, settings=settings).passed
    assert not decide(measured(-0.26), None, settings=settings).passed


def test_a_verdict_says_what_was_compared_and_what_was_found() -> None:
    verdict = decide(measured(-0.01), change(), champion="ab" * 32)
    assert verdict.leading == measured(-0.01)
    assert verdict.champion == "ab" * 32
    assert [check.text for check in verdict.checks] == [
        "P@10 is 1.0000, the champion has 1.0000: a difference of +0.0000 (95 % interval -0.0100 to +0.5000, "
        "1,234 seeds). The lower bound must be at least -0.0200.",
        "No column's PSI is above 0.25; the largest is tempo at 0.010.",
        "The catalogue has 1,000 tracks, 1.00 times the champion's 1,000 (0.8 to 10 times is allowed).",
        "No column's share of missing values rose by more than 10 points.",
    ]


def test_what_can_not_be_checked_says_why() -> None:
    absent = "There is no champion's catalogue to compare with."
    texts = {check.name: check.text for check in decide(None, None).checks}
    assert texts == {
        "quality": "The data has neither playlists nor genres, so there is no leading metric.",
        "drift": absent,
        "rows": absent,
        "missing": absent,
    }
    few = {check.name: check.text for check in decide(None, change(rows=499, champion_rows=0)).checks}
    assert few["drift"] == "0 rows are too few for PSI (500 needed)."
    assert few["rows"] == absent


def test_drift_is_judged_from_the_fewest_rows_on_and_up_to_the_limit() -> None:
    def drift(rows: int, psi: dict[str, float | None]) -> str:
        return outcomes(decide(None, change(rows=rows, psi=psi)))["drift"]

    assert drift(499, {"tempo": 0.26}) == "not checked"
    assert drift(500, {"tempo": 0.26}) == "failed"
    assert drift(500, {"tempo": 0.25, "energy": None}) == "passed"


def test_a_catalogue_whose_columns_are_all_empty_has_no_largest_drift() -> None:
    (drift,) = [check for check in decide(None, change(psi={"tempo": None})).checks if check.name == "drift"]
    assert (drift.outcome, drift.text) == ("passed", "No column's PSI is above 0.25.")


def test_columns_are_named_from_the_largest_on_and_alike_ones_by_name() -> None:
    psi = {"tempo": 0.5, "energy": 0.3, "valence": 0.9, "danceability": 0.5}
    missing = {"year": 0.2, "genre": 0.7, "key": 0.05, "album": 0.2}
    assert decide(None, change(psi=psi, missing_rise=missing)).reasons == [
        "The catalogue has drifted: PSI of valence 0.90, danceability 0.50, tempo 0.50, energy 0.30 "
        "(limit 0.25).",
        "More values are missing: genre by 70.0 points, album by 20.0 points, year by 20.0 points "
        "(limit 10 points).",
    ]


def test_a_champion_of_one_track_is_compared_with() -> None:
    assert outcomes(decide(None, change(rows=1, champion_rows=1)))["rows"] == "passed"
    assert outcomes(decide(None, change(rows=11, champion_rows=1)))["rows"] == "failed"


def test_a_comparison_is_rounded_and_what_no_seed_tells_is_not_known() -> None:
    third = leading(np.array([1 / 3] * 20), np.array([1.0] * 20))
    assert (third.ours, third.theirs, third.difference) == (0.333333, 1.0, -0.666667)
    assert (third.low, third.high, third.seeds) == (-0.666667, -0.666667, 20)
    assert (third.metric, third.label) == ("artist_filtered_precision", "P@10")
    none = leading(np.full(4, np.nan), np.ones(4))
    assert (none.ours, none.theirs, none.difference, none.low, none.high, none.seeds) == (None,) * 5 + (0,)


def test_settings_are_checked_and_the_verdict_survives_json(champion):
    with pytest.raises(ValidationError, match="gate_tolerance"):
        GateSettings(gate_tolerance=-1)
    verdict = decide(leading(champion, champion), change())
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict
