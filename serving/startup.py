"""The first steps of each process: its settings and its log."""

from __future__ import annotations

import sys
from typing import TypeVar

from segue.errors import SettingsError
from serving.logs import configure_logs
from serving.settings import BundleSettings, parse_settings

__all__ = ["start"]

S = TypeVar("S", bound=BundleSettings)


def start(kind: type[S], *, package: str, about: str | None) -> S:
    """Read the settings of the process ``serving.<package>`` and configure its log.

    A wrong setting ends the process with exit code 1.
    """
    # kserve parses argv when it is imported
    arguments, sys.argv = sys.argv[1:], sys.argv[:1]
    try:
        settings = parse_settings(kind, arguments, program=f"python -m serving.{package}", about=about or "")
    except SettingsError as error:
        sys.exit(str(error))
    configure_logs(settings.log_level)
    return settings
