"""What a table of runs shows beside the runs themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.reading.statistics import run_times
from services.reading.upcoming import next_calls
from services.reading.views import RunView
from services.system import System


def beside(system: System, now: datetime, *tables: Sequence[RunView]) -> dict[str, Any]:
    """Returns the times of the runs in the tables of a page, and when those that wait are called next."""
    runs = [run for table in tables for run in table]
    return {"times": run_times.of_runs(runs, now), "next_calls": next_calls.of_runs(system, runs)}
