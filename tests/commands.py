"""Console scripts called in this process: the same words and exit codes, without a second's imports each.

Each command line has a test that runs it as a process too; what a process alone can show is tested there.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest


def call_main(
    main: Callable[[], None],
    *arguments: str,
    variables: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Call a script's `main`, of Segue's variables with these alone; what a process would have answered."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["called", *arguments])
        for name in [name for name in os.environ if name.startswith("SEGUE_")]:
            patch.delenv(name)
        for name, value in (variables or {}).items():
            patch.setenv(name, value)
        if cwd is not None:
            patch.chdir(cwd)
        code = _exit_code(main)
    return subprocess.CompletedProcess(list(arguments), code, *(_text(stream) for stream in (out, err)))


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _exit_code(main: Callable[[], None]) -> int:
    """What the interpreter makes of the end of `main`: a text goes to stderr, and is exit code 1."""
    try:
        main()
    except SystemExit as ended:
        if ended.code is None or isinstance(ended.code, int):
            return ended.code or 0
        print(ended.code, file=sys.stderr)
        return 1
    return 0
