"""Add the lines that a command writes to the log of its run, under the fence of its attempt."""

from __future__ import annotations

from collections.abc import Sequence

from core.states import RunStatus
from models import run_lines, runs
from models.pauses import Gate
from services.execution import reports
from services.execution.work import Work
from services.system import System


def add(system: System, work: Work, lines: Sequence[str], left_out: int) -> bool:
    """Add lines to the log of a run, which keeps its newest within the bounds of lines that receivers log.

    The line numbers skip `left_out` lines, but at most as many as a log keeps: skipping more would change nothing, and
    a command that writes without end would exhaust the numbers. Returns False, and adds nothing, if the run no longer
    belongs to this attempt.
    """
    most, characters = reports.LINES_KEPT, reports.CHARACTERS_KEPT
    skipped = min(left_out, most)
    with system.transaction(Gate.UNUSED) as unit:
        run = runs.lock_one(work.run_id)
        if run is None or run.status is not RunStatus.RUNNING or run.fence != work.fence:
            return False
        run_lines.add(run.id, work.attempt, lines, unit.now, most=most, characters=characters, left_out=skipped)
        return True
