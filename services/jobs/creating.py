"""Create jobs: all that wait at the same moment share a transaction, so the more there is to do, the less each costs.

A process has two threads for this. One stores jobs whose insert may have to wait for another transaction's lock: those
with a name, or of an app that may be new. The other stores all the rest, so that such waits never delay it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from core import names
from core.errors import DatabaseUnavailable, Unavailable
from core.principals import Principal
from models import database
from models.hot import creates
from services.jobs import accepting, first_rings, ownership
from services.jobs.accepting import Rows
from services.jobs.creation_outcomes import Outcome, Refusal
from services.jobs.definition import NewJob
from services.messaging.unit_of_work import RING_WITHIN, UnitOfWork
from services.runtime import faults
from services.system import System

Told = TypeVar("Told")

MOST_TOGETHER = 64
_MOST_APPS_KNOWN = 10_000
_STOP_SECONDS = 2.0
log = structlog.get_logger()


def store(
    system: System,
    wanted: Sequence[NewJob | Refusal],
    tell: Callable[[Sequence[Outcome]], Told],
    worth_ringing: Callable[[Rows], Rows] = first_rings.of_one_commit,
) -> Told:
    """Store jobs in one transaction and ring. Returns what `tell` makes of their outcomes; if it raises, stores none.

    Raises `DatabaseUnavailable` if they are not stored, or if it is unknown whether they are.
    """
    outcomes: list[Outcome] = []
    rung: Rows = []
    told: list[Told] = []
    try:
        with system.transaction() as work:
            outcomes, rows = accepting.store(system, wanted, work.now)
            told.append(tell(outcomes))
            database.after_commit(lambda: faults.reach(faults.CREATE_COMMITTED))
            rung = worth_ringing(_at_hand(rows, work.now))
            work.ring(rung)
    except DatabaseUnavailable:
        if not told or not _took_effect(outcomes):
            raise
        _ring(system, rung)
    return told[0]


@dataclass
class _Call:
    """A job to store, and the future for its outcome."""

    new: NewJob
    answer: Future[UUID] = field(default_factory=Future)


_Calls = queue.SimpleQueue[_Call | None]


class Creator:
    """Stores the jobs of one process's callers. Its threads start with the first job."""

    def __init__(self, system: System) -> None:
        self._system = system
        rings = first_rings.Paced(system.clock)
        self._plain = _Line(system, rings, "create")
        self._patient = _Line(system, rings, "create-named")
        self._apps_known: set[str] = set()

    def create(self, principal: Principal, new: NewJob) -> Future[UUID]:
        """Store a validated job. The future gets its id, or the error that `lifecycle.create` would raise.

        Raises what `ownership.permitted` refuses it for.
        """
        permitted = ownership.permitted(principal, new)
        if not isinstance(permitted, NewJob):
            raise permitted
        call = _Call(permitted)
        if self._may_wait(permitted):
            self._patient.take(call)
        else:
            self._plain.take(call)
        return call.answer

    def stop(self) -> None:
        """Store what is waiting, and end the threads; a later call starts them again."""
        self._plain.stop()
        self._patient.stop()

    def _may_wait(self, new: NewJob) -> bool:
        """Whether another transaction may be creating a job of the same name, or the same app, at this moment."""
        is_app_known = not self._system.settings.anonymous or new.app_name in self._apps_known
        if not is_app_known and len(self._apps_known) < _MOST_APPS_KNOWN:
            self._apps_known.add(new.app_name)
        return new.name is not None or not is_app_known


class _Line:
    """One thread, and the calls that wait for it."""

    def __init__(self, system: System, rings: first_rings.Paced, name: str) -> None:
        self._system = system
        self._rings = rings
        self._name = name
        self._calls: _Calls = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def take(self, call: _Call) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=[self._calls], name=self._name, daemon=True)
                self._thread.start()
            self._calls.put(call)

    def stop(self) -> None:
        with self._lock:
            thread, calls = self._thread, self._calls
            self._thread, self._calls = None, queue.SimpleQueue()
        if thread is not None:
            calls.put(None)
            thread.join(_STOP_SECONDS)

    def _run(self, calls: _Calls) -> None:
        goes_on = True
        while goes_on:
            waiting, goes_on = _waiting_calls(calls)
            for group in _groups(call for call in waiting if call.answer.set_running_or_notify_cancel()):
                self._carry_out(group)
        database.disconnect()

    def _carry_out(self, calls: Sequence[_Call]) -> None:
        """Store a group; if one of its jobs makes that fail, store them one by one, so that the others are stored."""
        try:
            outcomes = store(self._system, [call.new for call in calls], list, self._rings.affordable)
        except BaseException as error:  # noqa: BLE001  raised for those who wait
            if len(calls) > 1 and not isinstance(error, Unavailable):
                for call in calls:
                    self._carry_out([call])
                return
            for call in calls:
                call.answer.set_exception(error)
        else:
            for call, outcome in zip(calls, outcomes, strict=True):
                _answer(call, outcome)


def _waiting_calls(calls: _Calls) -> tuple[list[_Call], bool]:
    """Wait for a call. Returns all calls that are waiting by then, and whether there may be more."""
    waiting: list[_Call] = []
    while (call := calls.get()) is not None:
        waiting.append(call)
        if calls.empty():
            return waiting, True
    return waiting, False


def _groups(calls: Iterable[_Call]) -> list[list[_Call]]:
    """Group the calls, each name once in a group: whether it is taken depends on what was committed before."""
    groups: list[tuple[list[_Call], set[Hashable]]] = []
    for call in calls:
        key = _key(call.new)
        for group, taken in groups:
            if len(group) < MOST_TOGETHER and key not in taken:
                break
        else:
            groups.append((group := [], taken := set()))
        group.append(call)
        if key is not None:
            taken.add(key)
    return [group for group, _ in groups]


def _key(new: NewJob) -> Hashable:
    return None if new.name is None else (names.folded(new.app_name), names.folded(new.name))


def _answer(call: _Call, outcome: Outcome) -> None:
    if isinstance(outcome, UUID):
        call.answer.set_result(outcome)
    else:
        call.answer.set_exception(outcome)


def _at_hand(rows: Rows, now: datetime) -> Rows:
    return [row for row in rows if row["held_by"] is None and row["due_at"] <= now + RING_WITHIN]


def _took_effect(outcomes: Sequence[Outcome]) -> bool:
    """Whether a commit that was not answered took effect: looks for the rows, whose ids we chose."""
    made = [outcome for outcome in outcomes if isinstance(outcome, UUID)]
    try:
        with database.reading():
            found = bool(made) and creates.stored(made) == set(made)
    except DatabaseUnavailable:
        return False
    log.warning("commit_was_in_doubt", jobs=len(made), took_effect=found)
    return found


def _ring(system: System, rows: Rows) -> None:
    work = UnitOfWork(system.clock, system.doorbell)
    work.ring(rows)
    work.send()
