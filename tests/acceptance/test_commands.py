"""Commands through a whole Carillon: what they leave is shown, and at their limit all of them is gone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import Installation
from tests.waiting import until

AT_ONCE = {"type": "immediate"}


def last_run(carillon: Installation, job_id: str) -> dict[str, Any]:
    """A job's run, once it is over."""
    until(lambda: carillon.runs([job_id])[job_id][0]["finished_at"], "the command to end")
    return carillon.runs([job_id])[job_id][0]


def test_commands_are_run_kept_and_ended(tmp_path: Path) -> None:
    with Installation(tmp_path, {"serve": 1}, {**QUICK, "COMMANDS_ALLOWED": "echo,sh"}) as carillon:
        said = carillon.create(AT_ONCE, task_type="run_command", data={"command": "echo 'a  b'; $(id)"})
        run = last_run(carillon, said)
        assert run["status"] == "completed"
        assert run["result"] == {"exit_code": 0, "stdout": "a  b; $(id)\n", "stderr": "", "truncated": False}

        pids = tmp_path / "pids"
        script = f"trap '' TERM; setsid sleep 1000 & echo $$ $! > {pids}; while :; do :; done"
        stubborn = carillon.create(
            AT_ONCE,
            task_type="run_command",
            data={"argv": ["sh", "-c", script]},
            time_limit_seconds=5,
            max_retries=0,
        )
        run = last_run(carillon, stubborn)
        assert run["status"] == "failed"
        assert run["error_message"] == "It took longer than its limit of 5 s."
        assert not [pid for pid in pids.read_text().split() if Path(f"/proc/{pid}").exists()]
