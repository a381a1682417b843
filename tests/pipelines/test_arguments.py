from __future__ import annotations

from pathlib import Path

import pytest

import segue
from pipelines.arguments import code_version, declared, parse_settings
from segue.errors import SettingsError


def test_values_are_read_by_their_declared_type() -> None:
    pairs = ["rounds=1_000", "learning_rate=0.05", "promote=no", "reason=a=b, c", 'layout={"energy": "nrg"}']
    assert parse_settings(pairs) == {
        "rounds": 1000,
        "learning_rate": 0.05,
        "promote": False,
        "reason": "a=b, c",
        "layout": {"energy": "nrg"},
    }


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("rounds", "--set rounds: expected key=value"),
        ("rounds=many", "--set rounds: expected a whole number, got 'many'"),
        ("rounds=1.5", "--set rounds: expected a whole number, got '1.5'"),
        ("max_psi=high", "--set max_psi: expected a number, got 'high'"),
        ("promote=perhaps", "--set promote: expected true or false, got 'perhaps'"),
        ("layout=[1]", "--set layout: expected a JSON object, got '[1]'"),
        ("store=x", "--set store: it has an option of its own, --store"),
        ("round=3", "--set round: there is no such setting; did you mean rounds?"),
    ],
)
def test_what_is_wrong_is_named(pair: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings([pair])
    assert str(caught.value) == message


def test_every_default_passes_the_steps_own_checks() -> None:
    from segue.steps import check_settings

    check_settings({name: default for name, (_, default) in declared().items() if default is not None})


def test_defaults_are_those_of_the_steps() -> None:
    from segue.evaluate.gate import GateSettings
    from segue.evaluate.settings import EvaluationSettings
    from segue.ranking.train import TrainSettings

    of_the_steps = {
        **GateSettings().model_dump(),
        **EvaluationSettings().model_dump(),
        **TrainSettings().model_dump(),
    }
    shared = {name: value for name, (_, value) in declared().items() if name in of_the_steps}
    assert len(shared) >= 10
    assert shared == {name: of_the_steps[name] for name in shared}


def test_the_code_version_follows_the_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(segue, "__file__", str(tmp_path / "__init__.py"))
    before = code_version()
    assert code_version() == before
    (tmp_path / "a.py").write_text("x = 2\n")
    assert code_version() != before
    assert before.startswith(f"{segue.__version__}+")
