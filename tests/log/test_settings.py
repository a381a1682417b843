"""The settings of log and database: those of the manual, and a wrong one is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from segue.database.settings import DatabaseSettings
from segue.errors import SettingsError
from segue.log.settings import LogSettings
from segue.settings import read_settings

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")


def test_the_manual_has_every_setting_with_its_default() -> None:
    table = MANUAL.split("## The log\n")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(SEGUE_\w+)` \| `([^`]*)` \|", table, re.MULTILINE))
    expected = {}
    for kind in (DatabaseSettings, LogSettings):
        for name, field in kind.model_fields.items():
            value = field.default
            shown = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            expected[f"{kind.model_config['env_prefix']}{name.upper()}"] = shown
    assert rows == expected


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SEGUE_LOG_BATCH", "0", "SEGUE_LOG_BATCH: Input should be greater than or equal to 1, got '0'"),
        ("SEGUE_LOG_FLUSH_SECONDS", "soon", "SEGUE_LOG_FLUSH_SECONDS: .*got 'soon'"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=message):
        read_settings(LogSettings)


def test_the_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_DATABASE_URL", "postgresql://segue:hunter2@db/segue")
    settings = read_settings(DatabaseSettings)
    assert "hunter2" not in repr(settings)
    assert settings.url.get_secret_value() == "postgresql://segue:hunter2@db/segue"
