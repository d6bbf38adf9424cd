"""A system with a data folder of its own, and a real S3 server with an empty bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Client, served
from tests.s3_server import s3_server
from tests.waiting import LONGEST


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(s3_url: str) -> dict[str, Any]:
    """The settings of a new bucket."""
    name = f"bucket-{uuid4().hex[:12]}"
    requests.put(f"{s3_url}/{name}", timeout=LONGEST).raise_for_status()
    return {
        "aws_endpoint_url": s3_url,
        "aws_storage_bucket_name": name,
        "aws_access_key_id": "key",
        "aws_secret_access_key": "hunter2",
    }


@pytest.fixture
def system(store: str, tmp_path: Path) -> GivenSystem:
    """Keeps files in a folder; at the address of the host that has others, nobody answers."""
    return given_system(data_dir=tmp_path / "data", spool_url="http://127.0.0.1:1")


@pytest.fixture
def client(system: GivenSystem) -> Client:
    return Client(served(system))
