"""Fixtures shared by all rooms."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.live_services",
    "tests.database_servers",
    "tests.small_catalogue",
    "tests.stores",
]

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real tracks and playlists that lies beside a developer's checkout."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip("real data is not here: it lies beside a developer's checkout, in ../shared/data")
    return folder


def require(available: bool, what: str, how: str) -> None:
    """Skip with a reason on a user's machine; fail in CI, where everything must be there."""
    if available:
        return
    reason = f"{what} is not installed: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
