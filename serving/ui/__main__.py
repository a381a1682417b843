"""Start the page: ``python -m serving.ui --gateway_url http://127.0.0.1:8000``."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from segue.errors import SettingsError
from segue.settings import read_settings
from serving.ui.settings import UISettings

APP = Path(__file__).with_name("app.py")
# Imported at the start, so that the first visitor does not wait for them.
_PRELOADED = (
    "httpcore",
    "pandas",
    "plotly.graph_objects",
    "streamlit.emojis",
    "serving.ui.views.discover",
    "serving.ui.views.models",
    "serving.ui.views.monitoring",
)


def main() -> int:
    """Parse flags, check settings, and run Streamlit."""
    _take_flags(sys.argv[1:])
    try:
        settings = read_settings(UISettings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    options = {
        "server.address": settings.host,
        "server.port": settings.http_port,
        "server.baseUrlPath": settings.base_path,
    }
    # the other options are in .streamlit/config.toml beside app.py, which overrides a user's own
    flags = [part for name, value in options.items() for part in (f"--{name}", str(value))]

    for name in _PRELOADED:
        import_module(name)

    from streamlit.web import cli

    # Streamlit has no other public way to be started
    sys.argv = ["streamlit", "run", str(APP), *flags]
    cli.main()
    return 0


def _take_flags(arguments: list[str]) -> None:
    """Write flags into the environment, which the script that Streamlit runs for each visitor reads."""
    parser = argparse.ArgumentParser(prog="python -m serving.ui", description=__doc__, allow_abbrev=False)
    for name, field in UISettings.model_fields.items():
        if name == "gateway_key":  # a flag would show in the list of processes
            continue
        text = f"{field.description} [SEGUE_{name.upper()}; default {field.default}]"
        flags = list(dict.fromkeys((f"--{name}", f"--{name.replace('_', '-')}")))
        parser.add_argument(*flags, dest=name, metavar="VALUE", help=text.replace("%", "%%"))
    for name, value in vars(parser.parse_args(arguments)).items():
        if value is not None:
            os.environ[f"SEGUE_{name.upper()}"] = value


if __name__ == "__main__":
    sys.exit(main())
