"""Logs lists until it is killed: ``python -m tests.log.writing_process URL SPOOL RATE [BYTES]``.

It prints the id of each and the moment it was handed over. BYTES is the largest file that it may write.
"""

from __future__ import annotations

import itertools
import resource
import sys
import time
from pathlib import Path

from segue.database import open_engine
from segue.log.settings import LogSettings
from segue.log.writer import LogWriter
from tests.log.records import impression


def main(url: str, spool: str, rate: str, most_bytes: str = "") -> None:
    if most_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), resource.RLIM_INFINITY))
    writer = LogWriter(open_engine(url), LogSettings(spool=Path(spool)))
    writer.start()
    started = time.monotonic()
    for n in itertools.count():
        record = impression(n)
        assert writer.put(record)
        print(record.impression_id, time.time(), writer.spooled, flush=True)
        time.sleep(max(0.0, started + (n + 1) / float(rate) - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
