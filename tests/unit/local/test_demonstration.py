"""The demo on a server whose callbacks go to somebody else's receiver."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from local import demonstration


class Server:
    """Completes every job at once."""

    created: list[dict[str, Any]]

    def __init__(self, _url: str, _secret: str | None) -> None:
        Server.created = []

    def create(self, request: dict[str, Any]) -> str:
        self.created.append(request)
        return str(len(self.created))

    def get(self, _path: str) -> dict[str, Any]:
        return {"status": "completed", "results": []}


def kinds() -> set[str]:
    return {request["schedule"]["type"] for request in Server.created}


def test_where_no_folder_is_the_receivers_no_job_polls_and_no_file_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demonstration, "_Server", Server)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert demonstration.on("http://carillon.example", None, None) == 0
    assert "polling" not in kinds()
    assert list(tmp_path.iterdir()) == []
    assert "CSV" not in capsys.readouterr().out


def test_the_receivers_folder_gets_the_file_that_a_job_polls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demonstration, "_Server", Server)
    assert demonstration.on("http://carillon.example", tmp_path, None) == 0
    assert "polling" in kinds()
    assert [file.name for file in tmp_path.iterdir()] == [demonstration.CSV]
