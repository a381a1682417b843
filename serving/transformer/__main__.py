"""Start the transformer: ``python -m serving.transformer --bundle STORE/channels/champion``."""

from __future__ import annotations

import os
import sys

from segue.errors import SettingsError
from serving.logs import configure_logs
from serving.settings import TransformerSettings, parse_settings


def main() -> int:
    """Parse flags, start following the channel, serve until SIGTERM."""
    arguments = sys.argv[1:]
    # kserve parses argv when it is imported
    sys.argv = sys.argv[:1]
    try:
        settings = parse_settings(
            TransformerSettings, arguments, program="python -m serving.transformer", about=__doc__ or ""
        )
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    configure_logs(settings.log_level)
    # One query is one thread's work; FAISS reads this when it is imported.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from serving.transformer.served_bundles import ServedBundles

    bundles = ServedBundles(settings)
    bundles.start()

    # these import kserve, which takes seconds: the bundle is opened meanwhile
    from serving.server import Server
    from serving.transformer.model import Transformer

    Server(settings).start([Transformer(settings, bundles)])
    bundles.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
