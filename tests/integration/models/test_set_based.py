"""Set-based writes: however many rows differ, a constant number of statements."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.errors import TransientFailure
from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Cron, Immediate, Interval, Polling, Schedule
from models import database, set_based
from models.fields import new_id
from models.tables import Job, PollingState, Run
from services.execution import recording
from services.execution.work import Failed, Result, Succeeded
from services.jobs import creating
from services.scheduling import dispatching, planning
from tests import statements
from tests.factories import NOON, GivenSystem, attempts_at, claim, create_jobs, new_job, polled, stored_job, stored_run


def runs_made(system: GivenSystem, count: int) -> list[Run]:
    create_jobs(system, [new_job()] * count, all_or_none=True)
    with database.reading():
        return list(Run.select().order_by(Run.id))


WAITS = [None, 0.5, 1e9]
LATER = NOON + timedelta(microseconds=1)
CHANGES: list[dict[str, Any]] = [
    {"due_at": NOON, "deadline_at": None, "result": {"a": [1, None]}, "retry_of": new_id(), "expire": True},
    {
        "due_at": LATER,
        "deadline_at": NOON,
        "result": "é",
        "retry_of": None,
        "expire": False,
    },
    {"due_at": NOON, "deadline_at": None, "result": None, "retry_of": new_id(), "expire": False},
]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 0, 2]])
def test_each_row_gets_its_own_values_of_every_type(system: GivenSystem, order: list[int]) -> None:
    runs = runs_made(system, 3)
    changes = [
        CHANGES[number]
        | {"rate_wait_seconds": [None, 0.5, 1e9][number], "fence": number * 2**40, "priority": number + 1}
        for number in order
    ]
    with database.transaction():
        set_based.update(Run.id, zip([run.id for run in runs], changes, strict=True))
    for run, change in zip(runs, changes, strict=True):
        stored = stored_run(run.id)
        assert {name: getattr(stored, name) for name in change} == change


def test_a_column_that_is_null_in_every_row_stays_so(system: GivenSystem) -> None:
    runs = runs_made(system, 2)
    with database.transaction():
        set_based.update(
            Run.id, [(run.id, {"deadline_at": None, "message": f"said {n}"}) for n, run in enumerate(runs)]
        )
    assert [(stored_run(run.id).deadline_at, stored_run(run.id).message) for run in runs] == [
        (None, "said 0"),
        (None, "said 1"),
    ]


def test_a_row_that_does_not_meet_the_condition_stays_as_it_is(system: GivenSystem) -> None:
    one, other = runs_made(system, 2)
    with database.transaction():
        Run.update(priority=9).where(Run.id == one.id).execute()
        changes = [(one.id, {"message": "one"}), (other.id, {"message": "other"})]
        set_based.update(Run.id, changes, Run.priority == 9)
    assert (stored_run(one.id).message, stored_run(other.id).message) == ("one", None)


def test_an_expression_over_the_row_itself_is_each_rows_own(system: GivenSystem) -> None:
    runs = runs_made(system, 2)
    with database.transaction():
        set_based.update(
            Run.id, [(run.id, {"deadline_at": Run.due_at, "priority": n + 1}) for n, run in enumerate(runs)]
        )
    for number, run in enumerate(runs):
        stored = stored_run(run.id)
        assert (stored.deadline_at, stored.priority) == (run.due_at, number + 1)


@pytest.mark.parametrize("amounts", [(1, 1, 1), (3, -1, 0), (0, 0, 2)], ids=["the same", "different", "only one"])
def test_each_row_gets_its_own_amount_more_in_one_statement(system: GivenSystem, amounts: tuple[int, ...]) -> None:
    runs = runs_made(system, 3)
    with database.transaction():
        Run.update(fence=5).execute()
        with statements.noted() as sent:
            set_based.add(Run.fence, Run.id, {run.id: n for run, n in zip(runs, amounts, strict=True)})
    assert len(sent) == 1
    assert [stored_run(run.id).fence for run in runs] == [5 + amount for amount in amounts]


def test_to_add_nothing_is_no_statement(system: GivenSystem) -> None:
    (run,) = runs_made(system, 1)
    with database.transaction(), statements.noted() as sent:
        set_based.add(Run.fence, Run.id, {run.id: 0})
    assert sent == []


def answer(number: int) -> Result:
    match number % 3:
        case 0:
            return Succeeded(200 + number, f"answer {number}", result={"number": number})
        case 1:
            return Failed(TransientFailure(f"Failed {number}.", status_code=500 + number), f"body {number}")
        case _:
            return polled({"page": number}, next_in_seconds=30 + number)


def schedule(number: int) -> Schedule:
    return Polling(30) if number % 3 == 2 else Immediate()


@pytest.mark.parametrize("poll", [False, True], ids=["calls", "polls too"])
@pytest.mark.parametrize("store", ["postgresql"], indirect=True)  # a statement on SQLite is no way to a server
def test_as_many_statements_record_thirty_two_different_answers_as_six(system: GivenSystem, poll: bool) -> None:
    def sent_for(count: int) -> int:
        numbers = [number for number in range(count * 3) if poll or number % 3 != 2][:count]
        by_run = {}
        for number in numbers:
            wanted = new_job(schedule(number))
            job_id = creating.create(LOCAL, system, wanted)
            by_run[job_id] = answer(number)
        works = claim(system)
        assert len(works) == count
        with statements.noted() as sent:
            outcomes = recording.record(system, [(work, by_run[work.job_id]) for work in works])
        assert None not in outcomes
        said = {attempts_at(work.run_id)[0].answer for work in works}
        assert len(said) >= count // 2
        return len(sent)

    few = sent_for(6)
    assert sent_for(32) == few


def test_polling_states_of_many_jobs_move_on_together(system: GivenSystem) -> None:
    job_ids = [creating.create(LOCAL, system, new_job(Polling(30))) for _ in range(3)]
    pages = {job_id: {"page": number} for number, job_id in enumerate(job_ids)}
    works = claim(system)
    recording.record(system, [(work, polled(pages[work.job_id])) for work in works])
    for job_id in job_ids:
        job = stored_job(job_id)
        assert (job.polling_state, job.polling_version, job.polls) == (pages[job_id], 1, 1)
    with database.reading():
        assert PollingState.select().count() == 6


def test_as_many_statements_plan_a_hundred_crons_as_three(system: GivenSystem) -> None:
    def sent_for(count: int) -> int:
        wanted = [new_job(Cron(f"{number % 60} {number % 5 + 12} * * *")) for number in range(count)]
        create_jobs(system, wanted, all_or_none=True)
        system.clock.advance(86_400)
        with statements.noted() as sent:
            planned = planning.plan(system)
        assert planned >= count
        with database.reading():
            assert Job.select().where(Job.next_run_at <= system.clock.now()).count() == 0
        return len(sent)

    few = sent_for(3)
    assert sent_for(100) == few


def test_as_many_statements_make_due_what_came_of_many_jobs_as_of_few(system: GivenSystem) -> None:
    """Jobs of each policy, of which different numbers of occurrences have come, and half of them have a limit."""

    def sent_for(count: int) -> int:
        for number in range(count):
            schedule = Interval(every_seconds=20 + number % 5 * 10, max_runs=3 if number % 2 else None)
            creating.create(LOCAL, system, new_job(schedule, overlap=[*Overlap][number % 4]))
        system.clock.advance(65)
        due = [run_id for run_id, _ in dispatching.due_soon(system)]
        with statements.noted() as sent:
            assert dispatching.make_due(system, due) >= count
        return len(sent)

    sent_for(20)  # some of these are still going, and their next occurrences come with the others
    few = sent_for(20)
    assert sent_for(60) == few
