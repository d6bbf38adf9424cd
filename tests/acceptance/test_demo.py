"""The demos, run as a newcomer runs them: they end well, say what happened and leave no process behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.acceptance.installation import ROOT, free_port
from tests.lengths import LONG
from tests.waiting import LONGEST, until

OURS = ("DATABASE_URL", "RABBITMQ_URL", "CALLBACK_BASE_URL", "INTERNAL_SECRET", "SECRET_KEYS")
MARK = "CARILLON_TEST_MARK"  # whatever the demo starts inherits it
TITLES = ("at once", "at an instant", "after a delay", "at an interval, twice", "by cron, twice", "polling a CSV")
LONGEST_DEMO_SECONDS = 600
# A week takes half a minute of processor time to live through, so only the long tests do.
A_SHORT_PAST = """
import functools
from local import demo_installation
past = demo_installation.History(days=1, busy_hours=1.5)
demo_installation.fill = functools.partial(demo_installation.fill, history=past)
import cli
cli.main(["demo", "--keep"])
"""

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
    with begun([str(ROOT / "run"), *arguments], data_dir, tmp_path) as demo:
        until(lambda: len(demo.processes()) >= processes, f"{processes} processes; see {demo.log}")
        status = demo.ended()
        assert demo.processes() == [], demo.said()
    said = demo.said()
    assert status == 0, said
    assert "All 6 jobs completed, in " in said
    assert "the CSV's 1750 rows were read 500 a poll." in said
    lines = {title: line for title in TITLES for line in said.splitlines() if title in line}  # the last of each
    for title in TITLES:
        assert "completed" in lines[title], said
    assert _runs_done(lines["at an interval, twice"]) == 2
    assert _runs_done(lines["by cron, twice"]) == 2
    assert _runs_done(lines["polling a CSV"]) == 4
    assert "Traceback" not in said


def test_the_demo_that_is_kept_leads_to_pages_that_are_there_and_goes_on_until_ctrl_c(
    data_dir: Path, tmp_path: Path
) -> None:
    command = [str(ROOT / "run"), "demo", "--keep"] if LONG else [sys.executable, "-c", A_SHORT_PAST]
    with begun(command, data_dir, tmp_path, PYTHONPATH=str(ROOT)) as demo:
        until(lambda: "/dashboard/audit" in demo.said() or demo.has_ended(), f"the guide; see {demo.log}")
        shown = re.findall(r"http://\S+/dashboard/\S*", demo.said())
        assert len(shown) > 5, demo.said()
        assert {requests.get(url, timeout=LONGEST).status_code for url in shown} == {200}
        demo.interrupt()
        demo.ended()
        assert demo.processes() == []
    assert "Traceback" not in demo.said()


@dataclass(frozen=True)
class Demo:
    """A demo that was begun, in processes that have its mark."""

    _process: subprocess.Popen[bytes]
    _mark: str
    log: Path

    def processes(self) -> list[str]:
        """The commands of its processes, those that they started included."""
        return list(_marked(self._mark).values())

    def said(self) -> str:
        """What it has printed so far."""
        return self.log.read_text()

    def has_ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.poll() is not None

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def ended(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait(LONGEST_DEMO_SECONDS)


@contextmanager
def begun(command: Sequence[str], data_dir: Path, folder: Path, **more: str) -> Iterator[Demo]:
    """A demo, away from the servers of the tests, while a block lasts."""
    mark = str(uuid.uuid4())
    surroundings = {name: value for name, value in os.environ.items() if name not in OURS}
    surroundings |= {"PORT": str(free_port()), "DATA_DIR": str(data_dir), MARK: mark, "COLUMNS": "120", **more}
    log = folder / "demo.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=surroundings, stdout=output, stderr=output)
        try:
            yield Demo(process, mark, log)
        finally:
            process.kill()
            for left in _marked(mark):  # by a demo that was killed, or that a test found at fault
                with suppress(ProcessLookupError):
                    os.kill(left, signal.SIGKILL)


def _marked(mark: str) -> dict[int, str]:
    """The commands of all processes that were started with this mark, by their ids."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it ended while we looked
    return found


def _runs_done(line: str) -> int:
    return int(line.split("│")[4])
