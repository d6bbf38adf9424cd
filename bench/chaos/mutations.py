"""Faults that are built into Carillon itself, to show that the checker finds them.

A mutated process is started as `python -m bench.chaos.mutations NAME COMMAND`.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable
from typing import Any

_STALE_SECONDS = 0.5


def _plan_without_locks() -> None:
    """Plan jobs as they were half a second ago, without locking them, so that two coordinators plan the same."""
    from models import jobs  # noqa: PLC0415  only a mutated process imports it
    from models.tables import Job  # noqa: PLC0415

    def unlocked(_now: Any, horizon: Any, limit: int) -> list[Any]:
        query = Job.select().where(Job.next_run_at <= horizon).order_by(Job.next_run_at).limit(limit)
        found = list(query)
        time.sleep(_STALE_SECONDS)
        return found

    _put(jobs, "lock_to_plan", unlocked)


def _no_upkeep() -> None:
    """Neither ring for what has too few rings nor take back what was lost."""
    from services.maintenance import rescues  # noqa: PLC0415
    from services.scheduling import dispatching  # noqa: PLC0415

    _put(dispatching, "top_up", lambda *_: None)
    _put(rescues.Rescues, "turn", lambda _: 0)


def _ignore_fences() -> None:
    """Record every result, whoever has the run now, and go on with work whose lease is lost."""
    from services.execution import recording  # noqa: PLC0415
    from services.execution.leases import Leases  # noqa: PLC0415

    decide: Callable[..., Any] = recording.decide

    def unfenced(locked: Any, attempt: Any, *more: Any) -> Any:
        work, result = attempt
        run = locked.runs.get(work.run_id)
        return decide(locked, (work if run is None else dataclasses.replace(work, fence=run.fence), result), *more)

    _put(recording, "decide", unfenced)
    _put(Leases, "renew", lambda _: None)
    _put(Leases, "_stop_of", lambda *_: (time.monotonic() + 3_600, None))


def _put(owner: Any, name: str, function: Callable[..., Any]) -> None:
    setattr(owner, name, function)


PATCHES: dict[str, Callable[[], None]] = {
    "planners-unlocked": _plan_without_locks,  # alone it breaks nothing: the unique index holds
    "no-unique-index": _plan_without_locks,
    "no-upkeep": _no_upkeep,
    "no-fences": _ignore_fences,
}
STATEMENTS = {"no-unique-index": "DROP INDEX runs_once_each"}
# The numbers of the invariants of which one at least must be broken.
CAUGHT_BY: dict[str, frozenset[int]] = {
    "planners-unlocked": frozenset(),
    "no-unique-index": frozenset({2}),
    "no-upkeep": frozenset({3}),
    "no-fences": frozenset({4, 7}),
}


def _main() -> None:
    name, *command = sys.argv[1:]
    sys.argv[1:] = command
    import cli  # noqa: PLC0415  it obeys signals from its import on
    from processes.environment import environment  # noqa: PLC0415
    from processes.exit_status import plain_faults  # noqa: PLC0415

    PATCHES[name]()
    with plain_faults():
        cli.app(prog_name="carillon", obj=environment())


if __name__ == "__main__":
    _main()
