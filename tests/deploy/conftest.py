"""Fixtures of the deployment's tests."""

from __future__ import annotations

import pytest

from tests.deploy.schemas import SCHEMAS


@pytest.fixture(scope="session")
def custom_schemas() -> None:
    """Skip where the schemas of the custom resources are not: they lie beside a developer's checkout."""
    if not SCHEMAS.is_dir():
        pytest.skip("schemas of the custom resources are not here: they lie in ../shared/schemas")
