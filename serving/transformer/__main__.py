"""Start the transformer: ``python -m serving.transformer --bundle STORE/channels/champion``."""

from __future__ import annotations

import os

from serving.settings import TransformerSettings
from serving.startup import start


def main() -> None:
    """Parse flags, start to follow the channel, serve until SIGTERM."""
    settings = start(TransformerSettings, package="transformer", about=__doc__)
    # one query is one thread's work; FAISS reads this when it is imported
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from serving.transformer.served_bundles import ServedBundles

    bundles = ServedBundles(settings)
    bundles.start()

    # these import kserve, which takes seconds, in which the bundle is loaded
    from serving.server import Server
    from serving.transformer.model import Transformer

    Server(settings).start([Transformer(settings, bundles)])
    bundles.stop()


if __name__ == "__main__":
    main()
