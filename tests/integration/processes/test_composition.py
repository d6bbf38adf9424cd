"""What a process says at its end: that it has stopped, also after a fault, and why it was refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.acceptance.installation import ROOT

REFUSED_AND_STUCK = """
import threading
from models import database
from processes import start
from processes.composition import foundation
from processes.exit_status import plain_faults
from processes.environment import environment
from processes.programs import ProgramError

database.disconnect = threading.Event().wait
with plain_faults(), foundation(start.checked_settings(environment()), "web"):
    raise ProgramError("PORT=80 cannot be bound: it is taken.")
"""


def test_a_refused_process_whose_connections_do_not_close_still_says_why(
    postgresql: str, rabbitmq_url: str, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", REFUSED_AND_STUCK],
        cwd=ROOT,
        env={"DATABASE_URL": postgresql, "RABBITMQ_URL": rabbitmq_url, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stderr.splitlines()[-1] == "PORT=80 cannot be bound: it is taken."
    assert ended.returncode == 2


ENDED_BY_A_FAULT = """
import sys
from processes.composition import foundation
import settings

with foundation(settings.load({"DATA_DIR": sys.argv[1]}), "worker"):
    raise ValueError("a fault")
"""


def test_a_process_that_a_fault_ends_logs_that_it_has_stopped(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDED_BY_A_FAULT, str(tmp_path)],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "stopped" in [json.loads(line)["event"] for line in ended.stderr.splitlines() if line.startswith("{")]
    assert ended.stderr.splitlines()[-1] == "ValueError: a fault"
    assert ended.returncode == 1
