"""The two demos, run as a newcomer runs them: they end well, say what happened and leave no process behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.installation import ROOT, free_port
from tests.waiting import until

OURS = ("DATABASE_URL", "RABBITMQ_URL", "CALLBACK_BASE_URL", "INTERNAL_SECRET", "SECRET_KEYS")
MARK = "CARILLON_TEST_MARK"  # whatever the demo starts inherits it
TITLES = ("at once", "at an instant", "after a delay", "at an interval, twice", "by cron, twice", "polling a CSV")
LONGEST_DEMO_SECONDS = 600

pytestmark = pytest.mark.timeout(LONGEST_DEMO_SECONDS + 60)


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data folder; PostgreSQL's part of it may lie elsewhere, where its user can get."""
    folder = tmp_path / "data"
    yield folder
    pointer = folder / "servers" / "postgres" / "data-is-in"
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip())


@pytest.mark.parametrize(
    ("arguments", "processes"),
    [(["demo"], 2), (["services", "demo"], 8)],
    ids=["on one process", "on the services"],
)
def test_the_demo_ends_well_and_leaves_no_process(
    data_dir: Path, tmp_path: Path, arguments: list[str], processes: int
) -> None:
    mark = str(uuid.uuid4())
    surroundings = {name: value for name, value in os.environ.items() if name not in OURS}
    surroundings |= {"PORT": str(free_port()), "DATA_DIR": str(data_dir), MARK: mark, "COLUMNS": "120"}
    log = tmp_path / "demo.log"
    with log.open("w") as output:
        demo = subprocess.Popen(
            [str(ROOT / "run"), *arguments], cwd=tmp_path, env=surroundings, stdout=output, stderr=output
        )
        try:
            until(lambda: len(_marked(mark)) >= processes, f"{processes} processes; see {log}")
            status = demo.wait(LONGEST_DEMO_SECONDS)
        finally:
            demo.kill()
    said = log.read_text()
    assert status == 0, said
    assert _marked(mark) == []
    assert "All 6 jobs completed, in " in said
    assert "the CSV's 1750 rows were read 500 a poll." in said
    lines = {title: line for title in TITLES for line in said.splitlines() if title in line}  # the last of each
    for title in TITLES:
        assert "completed" in lines[title], said
    assert _runs_done(lines["at an interval, twice"]) == 2
    assert _runs_done(lines["by cron, twice"]) == 2
    assert _runs_done(lines["polling a CSV"]) == 4
    assert "Traceback" not in said


def _marked(mark: str) -> list[str]:
    """The commands of all processes that were started with this mark."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue  # it ended while we looked
    return found


def _runs_done(line: str) -> int:
    return int(line.split("│")[4])
