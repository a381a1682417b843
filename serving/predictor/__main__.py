"""Start the predictor: ``python -m serving.predictor --bundle STORE/channels/champion``."""

from __future__ import annotations

import os
import sys

from segue.errors import SettingsError
from serving.logs import configure_logs
from serving.settings import PredictorSettings, parse_settings


def main() -> int:
    """Parse flags, start following the channel, serve until SIGTERM."""
    arguments = sys.argv[1:]
    # kserve parses argv when it is imported
    sys.argv = sys.argv[:1]
    try:
        settings = parse_settings(
            PredictorSettings, arguments, program="python -m serving.predictor", about=__doc__ or ""
        )
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    configure_logs(settings.log_level)
    # LightGBM's threads would else spin for a while after each call, on a CPU that a request could have.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    # lightgbm imports scikit-learn where it is installed, for classes that nothing here uses: two seconds.
    sys.modules["sklearn"] = None  # type: ignore[assignment]

    from serving.predictor.model import Predictor
    from serving.server import Server

    model = Predictor(settings)
    model.versions.start()
    Server(settings).start([model])
    model.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
