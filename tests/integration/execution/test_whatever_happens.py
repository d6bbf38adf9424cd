"""Whatever goes wrong while an outcome is recorded, the attempt is told as what it was, and not made again.

The faults are put under the database's cursor and its commit, not under statements of ours: what recording consists of
may change, and what is promised here holds all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import peewee
import pytest
from structlog.testing import capture_logs

from core import attempt_endings, polls, storable
from core.attempt_endings import Facts
from core.errors import PermanentFailure, TransientFailure
from core.schedules import Immediate, Polling
from core.states import JobState, Outcome, RunStatus
from models import database
from models.tables import Job, db
from services.execution import careful_recording, claiming, workers
from services.execution.engine import Engine
from services.execution.exchanges import ExchangeAnswer
from services.execution.work import Failed, Result, Succeeded, Work
from services.maintenance import rescues
from services.messaging import broker as brokers
from services.scheduling.run_endings import RunOutcome
from tests.factories import GivenSystem, first_run, runs_of, stored_job, stored_run
from tests.integration.execution.attempting import LEASE_SECONDS
from tests.integration.execution.one_worker import BUSY, DONE, NOT_DONE, Case, House, attempt_is_told, each_case
from tests.waiting import until

MAX_STATEMENTS = 200
REFUSALS = {  # by whether the database is SQLite
    True: ("CREATE TRIGGER refusal BEFORE {change} ON {table} BEGIN SELECT RAISE(ABORT, 'odd'); END",),
    False: (
        """
        CREATE OR REPLACE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''odd'' USING ERRCODE = ''data_exception''; END'
        """,
        "CREATE TRIGGER refusal BEFORE {change} ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()",
    ),
}


class Faults:
    """Counts what is sent to the database, and lets some of it fail."""

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.fails: Callable[[int, str], Exception | None] = lambda _number, _sql: None

    def sent(self, sql: str) -> None:
        """Take note of a statement. Raises what this one is to fail with."""
        self.statements.append(sql)
        if error := self.fails(len(self.statements), sql):
            raise error


class Cursor:
    """A cursor that tells of what it executes before it does."""

    def __init__(self, cursor: Any, faults: Faults) -> None:
        self._cursor = cursor
        self._faults = faults

    def execute(self, sql: str, *parameters: Any) -> Any:
        self._faults.sent(sql)
        return self._cursor.execute(sql, *parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cursor)


@contextmanager
def faults_between(fails: Callable[[int, str], Exception | None]) -> Iterator[Faults]:
    """Make statements fail for which `fails`, given their number and text, returns an error."""
    faults = Faults()
    faults.fails = fails
    real = db.obj.cursor
    db.obj.cursor = lambda *arguments, **named: Cursor(real(*arguments, **named), faults)
    try:
        yield faults
    finally:
        del db.obj.cursor


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Every fault is logged with its traceback, which takes long to render and tells nothing here."""
    with capture_logs():
        yield


@pytest.fixture
def house(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    if database.is_sqlite():
        db.execute_sql("PRAGMA synchronous = OFF")  # hundreds of runs, none of which must outlive a power cut
    with House(system, monkeypatch) as made:
        yield made


def once(number: int, error: Exception) -> Callable[[int, str], Exception | None]:
    return lambda sent, _sql: error if sent == number else None


@pytest.mark.parametrize("error", [ValueError("odd"), peewee.OperationalError("away")], ids=["odd", "away"])
@each_case
def test_whichever_statement_of_a_record_fails(house: House, case: Case, error: Exception) -> None:
    for number in range(1, MAX_STATEMENTS):
        with faults_between(lambda _number, _sql: None) as faults:

            def begin(faults: Faults = faults, number: int = number) -> None:
                faults.statements.clear()
                faults.fails = once(number, error)

            run = house.run(case.schedule, case.result, begin)
        attempt_is_told(house, run, case.status, case.outcome)
        if len(faults.statements) < number:
            assert number > 2, "no statement was seen, so none has failed"
            return
    pytest.fail("a record has no end")


@pytest.mark.parametrize(
    ("change", "table"),
    [("UPDATE", "jobs"), ("INSERT", "runs"), ("INSERT", "polling_states"), ("INSERT", "alerts")],
)
@each_case
def test_a_write_beside_the_runs_own_that_never_succeeds(house: House, case: Case, change: str, table: str) -> None:
    """What follows from an outcome cannot be written, however often it is tried; the outcome is."""
    with ExitStack() as stack:
        run = house.run(case.schedule, case.result, lambda: stack.enter_context(refused_write(change, table)))
        stored = stored_run(run.id)
    assert (house.calls, stored.status, stored.loss_count) == (1, case.status, 0)


@contextmanager
def refused_write(change: str, table: str) -> Iterator[None]:
    """Make the database refuse every change of this kind to a table."""
    with database.transaction():
        for statement in REFUSALS[database.is_sqlite()]:
            db.execute_sql(statement.format(change=change, table=table))
    yield
    with database.transaction():
        db.execute_sql("DROP TRIGGER refusal" if database.is_sqlite() else f"DROP TRIGGER refusal ON {table}")


@each_case
def test_a_commit_that_took_effect_and_seems_to_have_failed(
    house: House,
    case: Case,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = db.obj.commit

    def committed() -> None:
        monkeypatch.setattr(db.obj, "commit", real)
        real()
        raise peewee.OperationalError("The connection broke at the commit.")

    run = house.run(case.schedule, case.result, lambda: monkeypatch.setattr(db.obj, "commit", committed))
    assert db.obj.commit == real, "no commit was seen, so none has failed"
    attempt_is_told(house, run, case.status, case.outcome)


@pytest.mark.parametrize("function", ["text", "json_value"])
@each_case
def test_a_result_that_cannot_be_made_storable(
    house: House, case: Case, function: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_once() -> None:
        def breaks(*_value: object) -> None:
            broken.undo()
            raise RuntimeError("odd")

        broken.setattr(storable, function, breaks)

    with monkeypatch.context() as broken:
        run = house.run(case.schedule, case.result, break_once)
    attempt_is_told(house, run, case.status, case.outcome)


def test_what_cannot_be_decided_is_an_end_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_about: object, **_more: object) -> None:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(polls, "after", breaks)
    run = house.run(Polling(30), NOT_DONE)
    attempt_is_told(house, run, RunStatus.COMPLETED, Outcome.SUCCEEDED)
    assert stored_job(run.job_id).state is JobState.FAILED


class Odd(PermanentFailure):
    """An error of one's own that has none of what ours have."""

    def __init__(self) -> None:
        Exception.__init__(self, "odd")


@pytest.mark.parametrize(
    ("result", "status", "says"),
    [
        (Succeeded(200, "\udcff\0"), RunStatus.COMPLETED, None),
        (Succeeded(10**30, "{}"), RunStatus.COMPLETED, None),
        (Succeeded(None, "", result={"name": "\udcff"}), RunStatus.COMPLETED, None),
        (Succeeded(None, "", result={1, 2}), RunStatus.COMPLETED, None),
        (Succeeded(200, b"{}"), RunStatus.COMPLETED, None),  # type: ignore[arg-type]
        (Failed(TransientFailure(KeyError("gone"))), RunStatus.RETRYING, "KeyError: 'gone'"),  # type: ignore[arg-type]
        (Failed(PermanentFailure("\udcff\0")), RunStatus.FAILED, "\ufffd\ufffd"),
        (Failed(PermanentFailure("x", status_code=10**30)), RunStatus.FAILED, "x"),
        (Failed(TransientFailure("x", retry_after_seconds=float("nan"))), RunStatus.RETRYING, "x"),
        (Failed(TransientFailure("x", retry_after_seconds=float("inf"))), RunStatus.RETRYING, "x"),
        (Failed(TransientFailure("x", retry_after_seconds=1e300)), RunStatus.RETRYING, "x"),
        (Failed(TransientFailure("x", retry_after_seconds="soon")), RunStatus.RETRYING, "x"),  # type: ignore[arg-type]
        (Failed(Odd()), RunStatus.FAILED, "Odd: odd"),
        (Failed(BUSY.error, "\udcff", {"a": object}), RunStatus.RETRYING, "Busy."),
    ],
)
def test_an_outcome_made_of_anything_is_recorded(
    house: House, result: Result, status: RunStatus, says: str | None
) -> None:
    run = house.run(Immediate(), result)
    outcome = Outcome.SUCCEEDED if isinstance(result, Succeeded) else Outcome.FAILED
    attempt_is_told(house, run, status, outcome)
    assert stored_run(run.id).error_message == says


@pytest.mark.parametrize(("base", "longest"), [(1e12, 1e12), (1e300, 1e300), (1e308, None)])
def test_a_backoff_that_was_stored_before_there_were_bounds(
    system: GivenSystem, house: House, base: float, longest: float | None
) -> None:
    run = first_run(system, max_retries=3, retry_backoff_base=base, retry_backoff_max=longest)
    house.ring(run, BUSY)
    attempt_is_told(house, run, RunStatus.RETRYING, Outcome.FAILED)


def test_one_bad_outcome_spoils_none_of_its_neighbours(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = [first_run(system) for _ in range(3)]
    works = claiming.claim(system, workers.register(system), brokers.RUNS_HTTP, 3)
    real = attempt_endings.succeed

    def succeed(facts: Facts, *about: Any, **more: Any) -> Any:
        if facts.run_id == works[1].run_id and more["note"] is None:
            raise ValueError("odd")
        return real(facts, *about, **more)

    monkeypatch.setattr(attempt_endings, "succeed", succeed)
    answers = handed_in_together(system, works)
    assert [answer.recorded for answer in answers] == [RunOutcome(RunStatus.COMPLETED)] * 3
    assert {stored_run(run.id).status for run in ended} == {RunStatus.COMPLETED}
    assert stored_run(works[1].run_id).message == careful_recording.NOT_KEPT


def handed_in_together(system: GivenSystem, works: Sequence[Work]) -> list[ExchangeAnswer]:
    """What threads are answered that hand in a good result each before the engine looks."""
    engine = Engine(system, workers.register(system))
    with ThreadPoolExecutor(len(works)) as threads:
        handing_in = [
            threads.submit(engine.exchange, brokers.RUNS_HTTP, (work, DONE), wants_work=False) for work in works
        ]
        until(lambda: engine._exchanges._waiting.qsize() == len(works), "every thread has handed in its result")
        engine.start()
        answers = [one.result() for one in handing_in]
    engine.stop()
    return answers


def test_a_run_that_cannot_be_taken_back_harms_no_other(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = [first_run(system) for _ in range(5)]
    claiming.claim(system, workers.register(system), brokers.RUNS_HTTP, 5)
    system.clock.advance(LEASE_SECONDS + 1)
    real = attempt_endings.lose

    def lose(facts: Facts, *about: Any) -> Any:
        if facts.run_id == lost[2].id:
            raise ValueError("odd")
        return real(facts, *about)

    monkeypatch.setattr(attempt_endings, "lose", lose)
    assert rescues.rescue(system) == 4
    assert [stored_run(run.id).status for run in lost].count(RunStatus.RETRYING) == 4
    assert rescues.rescue_all(system) == 0


def test_a_job_whose_schedule_can_no_longer_be_read_still_ends(system: GivenSystem, house: House) -> None:
    def spoil() -> None:
        Job.update(schedule={"type": "polling", "every": "moon"}).execute()

    run = house.run(Polling(30), NOT_DONE, spoil)
    attempt_is_told(house, run, RunStatus.COMPLETED, Outcome.SUCCEEDED)
    assert stored_job(run.job_id).state is JobState.FAILED
    assert len(runs_of(run.job_id)) == 1
