"""Programs that are installed where they are missing."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from local import install


def test_while_one_process_installs_no_other_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "lock"

    def install_it(_program: str) -> Path:
        with lock.open() as of_another, pytest.raises(BlockingIOError):
            fcntl.flock(of_another, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return tmp_path

    monkeypatch.setattr(install, "_LOCK", lock)
    monkeypatch.setattr(install, "can_install", lambda: True)
    monkeypatch.setattr(install, "find", lambda _program: None)
    monkeypatch.setattr(install, "_install", install_it)
    assert install.ensure("nginx") == tmp_path
