"""A process that publishes and promotes, to be killed from outside or, at a given step, by itself.

``python -m tests.bundle.publisher STORE FOLDER LABEL SIZE [STEP]`` prints "ready", waits for a line, and
prints what it published as JSON.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
from pathlib import Path

import orjson

from segue.bundle.publish import publish
from tests.bundle.tiny import definition, parts


def main() -> None:
    store, folder, label, size, *step = sys.argv[1:]
    count = itertools.count(1)

    def progress(line: str) -> None:
        if step and next(count) == int(step[0]):
            print(f"dies after: {line}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)

    made = parts(Path(folder), label, size=int(size))
    report = Path(folder) / f"{label}-report.html"
    report.write_text(f"report of {label}")
    print("ready", flush=True)
    sys.stdin.readline()
    done = publish(
        definition(label),
        made,
        store,
        run_id=f"run-{label}",
        by=f"publisher {label}",
        reason="gate passed",
        evaluation={"report.html": report},
        promote=True,
        progress=progress,
    )
    told = {"digest": done.digest, "generation": done.channel.generation, "uploaded": done.uploaded}
    print(orjson.dumps({**told, "skipped": done.skipped}).decode(), flush=True)


if __name__ == "__main__":
    main()
