"""Start the predictor: ``python -m serving.predictor --bundle STORE/channels/champion``."""

from __future__ import annotations

import os
import sys

from serving.settings import PredictorSettings
from serving.startup import start


def main() -> None:
    """Parse flags, start to follow the channel, serve until SIGTERM."""
    settings = start(PredictorSettings, package="predictor", about=__doc__)
    # by default LightGBM's threads spin for a while after each call, on a CPU that a request could use
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    # lightgbm imports scikit-learn if it is installed, for classes that are not used here: two seconds
    sys.modules["sklearn"] = None  # type: ignore[assignment]

    from serving.predictor.model import Predictor
    from serving.server import Server

    model = Predictor(settings)
    model.versions.start()
    Server(settings).start([model])
    model.stop()


if __name__ == "__main__":
    main()
