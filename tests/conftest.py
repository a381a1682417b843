"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest_plugins = ["tests.live_services", "tests.database_servers", "tests.small_catalogue", "tests.stores"]

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_folder(name: str) -> Path:
    """A folder that lies beside a developer's checkout.

    A clone of the project alone has none: what needs it is skipped. Where `shared` is there, nothing may be
    skipped for the want of a part of it, so that CI notices a folder that was moved.
    """
    folder = SHARED / name
    if folder.is_dir():
        return folder
    reason = f"../shared/{name} is not here: it lies beside a developer's checkout"
    if SHARED.is_dir() and os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real tracks and playlists."""
    return shared_folder("data")


def require(available: bool, what: str, how: str) -> None:
    """Skip with a reason on a user's machine; fail in CI, where everything must be there."""
    if available:
        return
    reason = f"{what} is not installed: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
