"""`./carillon` itself: from any folder, with the environment's server."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

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
