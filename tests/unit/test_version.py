"""The version is told alike everywhere."""

from __future__ import annotations

import tomllib
from pathlib import Path

from core.version import VERSION


def test_the_code_tells_the_version_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION
