"""Settings of the steps, validated before the first step runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from segue.errors import SettingsError

__all__ = ["check_settings", "read"]

M = TypeVar("M", bound=BaseModel)


def read(kind: type[M], values: Mapping[str, Any]) -> M:
    """Make a settings object.

    Raises
    ------
    SettingsError
        Names the first invalid setting, its value and what is allowed.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][-1]) if first["loc"] else kind.__name__
        raise SettingsError(f"{name}: {first['msg'].lower()}, got {first['input']!r}") from None


def check_settings(values: Mapping[str, Any]) -> None:
    """Validate the settings of any steps, by name, before the first step runs; unknown names are ignored.

    Raises
    ------
    SettingsError
        A setting is invalid.
    """
    from segue.bundle.urls import check_channel_name
    from segue.evaluate.gate import GateSettings
    from segue.evaluate.settings import EvaluationSettings
    from segue.index.settings import IndexSettings
    from segue.ranking.settings import TrainSettings

    for kind in (TrainSettings, IndexSettings, EvaluationSettings, GateSettings):
        read(kind, {name: value for name, value in values.items() if name in kind.model_fields})
    if not 0 <= values.get("max_rejected", 0) <= 1:
        raise SettingsError(f"max_rejected: expected a share between 0 and 1, got {values['max_rejected']!r}")
    check_channel_name(values.get("channel", "champion"))
