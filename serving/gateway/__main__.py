"""Start the gateway: ``python -m serving.gateway --bundle STORE/channels/champion``."""

from __future__ import annotations

import gc
import signal
import sys

from serving.settings import GatewaySettings
from serving.startup import start


def main() -> int:
    """Parse flags, serve until SIGTERM."""
    settings = start(GatewaySettings, package="gateway", about=__doc__)

    import uvicorn

    from serving.coalesced_writes import CoalescedWrites
    from serving.gateway.app import build_app

    config = uvicorn.Config(
        build_app(settings),
        host=settings.host,
        port=settings.http_port,
        loop="uvloop",
        http=CoalescedWrites,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
    )
    # no garbage collection scans the objects that imports have made
    gc.collect()
    gc.freeze()
    # at Python's default of 5 ms a request waited so long for the log's thread: the event loop was 5.2 ms
    # late at the 95th percentile of a replay, with this 0.7 ms
    sys.setswitchinterval(0.0005)
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn handles signals while it serves, and raises the signal again after it has drained: ignored
        # here, so that the process ends with exit code 0
        signal.signal(number, lambda *_: setattr(server, "should_exit", True))
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
