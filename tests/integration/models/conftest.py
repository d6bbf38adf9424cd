"""Databases that a former release has left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from uuid import uuid4

import pytest

from migrations import runner
from models import database
from tests.integration.models.former import fill
from tests.servers import new_database


@pytest.fixture(params=["sqlite", "postgresql"])
def former(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database as migration 0001 left it: a run in every status, an attempt at each that had one."""
    with _empty(request.param, tmp_path) as url:
        database.connect(url, "test")
        runner.upgrade("0001_core")
        with database.transaction():
            fill()
        yield url
        database.disconnect()


def _empty(kind: str, folder: Path) -> AbstractContextManager[str]:
    """The URL of a database without tables."""
    if kind == "sqlite":
        return nullcontext(f"sqlite:///{folder / 'carillon.db'}")
    return new_database(f"carillon_former_{uuid4().hex[:12]}")
