"""Five minutes without any coordinator: the rows equal a calculation that shares nothing with the product."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import timedelta
from itertools import product
from uuid import UUID

from core.policies import CatchUp, Overlap
from core.principals import LOCAL
from core.schedules import Cron, Interval, RunAt, Schedule
from models import database
from models.tables import Run
from services.execution import recording
from services.jobs import creating
from services.scheduling import dispatching, planning
from tests.factories import NOON, GivenSystem, claim, given_system, new_job, succeeded
from tests.lengths import SCHEDULES

STOP, BACK, END = 60, 360, 480  # seconds after noon
PLANNED_UNTIL = STOP + 150
NOT_LATE_FROM = BACK - 60
TICK = 5

POLICIES = list(product(CatchUp, Overlap))
Row = tuple[str, str | None]


def test_the_rows_equal_an_independent_calculation(postgresql: str) -> None:
    system = given_system()
    wanted: dict[UUID, dict[int, Row]] = {}
    for schedule, instants, (catch_up, overlap) in demand():
        job_id = creating.create(LOCAL, system, new_job(schedule, catch_up=catch_up, overlap=overlap))
        wanted[job_id] = calculated(instants, catch_up, overlap)
    live(system, range(0, STOP + 1, TICK))
    live(system, range(BACK, END + 1, TICK))
    assert stored(wanted, until=END) == wanted


def demand() -> Iterable[tuple[Schedule, range | list[int], tuple[CatchUp, Overlap]]]:
    """Schedules, and the seconds after noon that they name up to the end."""
    chance = random.Random(11)
    for number in range(SCHEDULES):
        yield Interval(every_seconds=5), range(0, END + 1, 5), POLICIES[number % len(POLICIES)]
    for number in range(SCHEDULES):
        minutes = 1 + number % 2
        yield (
            Cron(f"*/{minutes} * * * *"),
            range(60 * minutes, END + 1, 60 * minutes),
            POLICIES[number % len(POLICIES)],
        )
    for number in range(SCHEDULES):
        second = chance.randrange(1, END)
        yield RunAt(NOON + timedelta(seconds=second)), [second], POLICIES[number % len(POLICIES)]


def calculated(instants: Iterable[int], catch_up: CatchUp, overlap: Overlap) -> dict[int, Row]:
    """What is to become of each instant, reckoned from the rules alone."""
    instants = list(instants)
    rows: dict[int, Row] = dict.fromkeys(instants, ("completed", None))
    if len(instants) == 1:
        return rows
    late = [second for second in instants if PLANNED_UNTIL < second < NOT_LATE_FROM]
    caught_up = {CatchUp.ALL: late, CatchUp.LATEST: late[-1:], CatchUp.SKIP: []}[catch_up]
    why_missed = {
        CatchUp.SKIP: "late: not caught up, as catch_up says",
        CatchUp.LATEST: "late: a newer one was caught up in its place",
    }
    missed = [second for second in late if second not in caught_up]
    rows |= dict.fromkeys(missed, ("missed", why_missed.get(catch_up)))
    backlog = [second for second in instants if STOP < second <= BACK and second not in missed]
    skipped = {Overlap.SKIP: backlog[1:], Overlap.QUEUE_ONE: backlog[2:]}.get(overlap, [])
    rows |= dict.fromkeys(skipped, ("skipped", "overlap"))
    if overlap is Overlap.CANCEL_PREVIOUS:
        rows |= dict.fromkeys(backlog[:-1], ("cancelled", "replaced by a newer occurrence"))
    return rows


def live(system: GivenSystem, seconds: range) -> None:
    """A coordinator that plans each minute, and workers that do at once whatever is due."""
    for second in seconds:
        system.clock.set(NOON + timedelta(seconds=second))
        if second % 60 == 0:
            plan_all(system)
        while due := [run_id for run_id, due_at in dispatching.due_soon(system) if due_at <= system.clock.now()]:
            dispatching.make_due(system, due)
        while works := claim(system):
            recording.record(system, [(work, succeeded()) for work in works])


def plan_all(system: GivenSystem) -> None:
    while planning.plan(system):
        pass


def stored(job_ids: Iterable[UUID], until: int) -> dict[UUID, dict[int, Row]]:
    """What became of each instant up to the end."""
    rows: dict[UUID, dict[int, Row]] = {job_id: {} for job_id in job_ids}
    with database.reading():
        for run in Run.select(Run.job, Run.scheduled_for, Run.status, Run.reason):
            second = round((run.scheduled_for - NOON).total_seconds())
            if second <= until:
                assert second not in rows[run.job_id]
                rows[run.job_id][second] = (run.status.value, run.reason)
    return rows
