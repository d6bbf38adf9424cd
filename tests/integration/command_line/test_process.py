"""`./carillon` itself: from any folder, with the environment's server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
CARILLON = str(ROOT / "carillon")


def typed(*words: str, folder: Path, url: str = "http://127.0.0.1:9") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CARILLON_URL": url}
    return subprocess.run(
        [CARILLON, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_a_file_beside_the_user_is_applied_from_any_folder(url: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text(
        "app: a\njobs:\n  - {name: n, account_id: 1, user_id: 1, task_type: t, schedule: {type: immediate}}\n"
    )
    applied = typed("apply", "jobs.yaml", "--yes", folder=tmp_path, url=url)
    assert (applied.returncode, applied.stdout, applied.stderr) == (0, "+ a/n\na/n is created.\n", "")
    listed = typed("jobs", "list", "--json", folder=tmp_path, url=url)
    assert [job["name"] for job in json.loads(listed.stdout)] == ["n"]


def test_by_a_link_it_finds_its_own_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(CARILLON)
    shown = subprocess.run([tmp_path / "link", "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "Usage: carillon" in shown.stdout


@pytest.mark.parametrize("words", [("jobs", "list"), ("jobs", "list", "--json")])
def test_a_server_that_is_away_is_told_without_a_traceback(tmp_path: Path, words: tuple[str, ...]) -> None:
    away = typed(*words, folder=tmp_path)
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.startswith("No server answers at http://127.0.0.1:9 ")
    assert len(away.stderr.splitlines()) == 1


def run_with(words: list[bytes | str], folder: Path, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, str(ROOT / "cli.py"), *words]
    return subprocess.run(command, cwd=folder, check=False, timeout=120, stderr=subprocess.PIPE, **options)


def test_an_argument_that_is_not_in_utf_8_is_told(tmp_path: Path) -> None:
    ended = run_with(["jobs", "list", "--app", b"\xff"], tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.decode() == "Argument 4, '\\xff', is not in UTF-8; write it again.\n"


def test_a_reader_that_has_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    ended = run_with(["preview", "* * * * *"], tmp_path, stdout=write)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (1, b"")


def test_output_that_finds_no_room_is_told(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = run_with(["preview", "* * * * *"], tmp_path, stdout=full)
    assert (ended.returncode, ended.stderr) == (1, b"The output cannot be written: No space left on device.\n")


def test_a_terminal_without_umlauts_is_no_fault(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = run_with(["jobs", "list", "--url", "http://b\u00fccher.invalid"], tmp_path, env=environment)
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1


def test_an_interrupt_ends_it_without_a_traceback(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, str(ROOT / "cli.py"), "jobs", "list", "--url", url]
        asking = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        connection, _ = silent.accept()
        with connection:  # closed, it would be told
            asking.send_signal(signal.SIGINT)
            assert asking.communicate(timeout=120) == (b"", b"")
    assert asking.returncode == 130
