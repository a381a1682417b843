"""Fixtures of the deployment's tests."""

from __future__ import annotations

import pytest

from tests.conftest import shared_folder


@pytest.fixture(scope="session")
def custom_schemas() -> None:
    """Skip where the schemas of the custom resources are not."""
    shared_folder("schemas")
