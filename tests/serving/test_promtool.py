"""Prometheus's own linter on what both processes export."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.conftest import require
from tests.serving.conftest import Pair
from tests.serving.processes import call


@pytest.mark.live
def test_it_passes_promtool(pair: Pair) -> None:
    require(shutil.which("promtool") is not None, "promtool", "apt-get install prometheus")
    pair.transformer.predict({"seeds": ["id000001", "x"]}, {"seeds": ["id000001"], "k": 3, "explain": True})
    for served in (pair.transformer, pair.predictor):
        exported = call(served.http_port, "GET", "/metrics").content
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=exported, capture_output=True, timeout=60, check=False
        )
        assert checked.returncode == 0, checked.stderr.decode() + checked.stdout.decode()
