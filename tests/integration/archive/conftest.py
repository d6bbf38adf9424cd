"""A system that archives its history into a folder of its own, or into a real S3 server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Client, served
from tests.integration.files.conftest import bucket, s3_url

__all__ = ["bucket", "s3_url"]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    return {"data_dir": tmp_path / "data", "archive_history": True}


@pytest.fixture
def system(sqlite: str, settings: dict[str, Any]) -> GivenSystem:
    """Keeps its archive in a folder."""
    return given_system(**settings)


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system))
