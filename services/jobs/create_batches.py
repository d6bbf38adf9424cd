"""Creates jobs for the callers of one process: jobs that are waiting at the same moment share a transaction.

So the cost per job falls as the load rises. Two threads store most jobs: while one waits for the database, the other
starts once enough jobs are waiting. A third thread stores jobs whose insert may have to wait for another transaction's
lock: those with a name, or of an app that may be new. So such waits never delay the others.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core import names
from core.errors import Unavailable
from core.principals import Principal
from models import database
from services.jobs import creating, first_rings, ownership
from services.jobs.definition import NewJob
from services.system import System

MAX_TOGETHER = 64
ENOUGH = 12  # calls for which the second thread starts: for fewer, a transaction costs more than waiting
_MAX_APPS_KNOWN = 10_000
_STOP_SECONDS = 2.0


class Answer(Protocol):
    """The future that a caller waits for, of asyncio or of threads."""

    def done(self) -> bool: ...
    def set_result(self, result: UUID, /) -> object: ...
    def set_exception(self, error: BaseException, /) -> object: ...


@dataclass(frozen=True, slots=True)
class _Call:
    """A job to store, and the future that its caller waits for."""

    new: NewJob
    answer: Answer


def _here(settle: Callable[[], object]) -> None:
    settle()


class CreateBatcher:
    """Stores the jobs of one process's callers. Its threads start with the first job.

    `settle_in` calls a function in the thread in which futures may be completed, such as that of an event loop.
    """

    def __init__(self, system: System, settle_in: Callable[[Callable[[], object]], object] = _here) -> None:
        self._system = system
        self._settle_in = settle_in
        self._rings = first_rings.Paced(system.clock)
        self._plain = _Line(self._carry_out, "create", threads=2)
        self._waiting = _Line(self._carry_out, "create-named", threads=1)
        self._apps_known: set[str] = set()

    def create(self, principal: Principal, new: NewJob, answer: Answer) -> None:
        """Store a validated job. The answer will be its id, or the error for which it is refused.

        Raises the refusal of `ownership.permitted`.
        """
        permitted = ownership.permitted(principal, new)
        if not isinstance(permitted, NewJob):
            raise permitted
        line = self._waiting if self._may_wait(permitted) else self._plain
        line.take(_Call(permitted, answer))

    def stop(self) -> None:
        """Store the waiting jobs, and end the threads; a later call starts them again."""
        self._plain.stop()
        self._waiting.stop()

    def _may_wait(self, new: NewJob) -> bool:
        """Whether another transaction may be creating a job of the same name, or the same app, at this moment."""
        is_app_known = not self._system.settings.anonymous or new.app_name in self._apps_known
        if not is_app_known and len(self._apps_known) < _MAX_APPS_KNOWN:
            self._apps_known.add(new.app_name)
        return new.name is not None or not is_app_known

    def _carry_out(self, calls: Sequence[_Call]) -> None:
        for group in _groups(call for call in calls if not call.answer.done()):
            self._store(group)

    def _store(self, calls: Sequence[_Call]) -> None:
        """Store a group; if one of its jobs causes an error, store them one by one, so that the others are stored."""
        outcomes: Sequence[UUID | BaseException]
        try:
            outcomes = creating.create_together(
                self._system, [call.new for call in calls], list, self._rings.affordable
            )
        except BaseException as error:  # noqa: BLE001  raised for those who wait
            if len(calls) > 1 and not isinstance(error, Unavailable):
                for call in calls:
                    self._store([call])
                return
            outcomes = [error] * len(calls)
        self._settle_in(functools.partial(_settle, calls, outcomes))


class _Line:
    """A queue of calls, and its threads: a free thread carries out all calls that are waiting."""

    def __init__(self, carry_out: Callable[[Sequence[_Call]], object], name: str, *, threads: int) -> None:
        self._carry_out = carry_out
        self._name = name
        self._count = threads
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._calls: list[_Call] = []
        self._busy = 0

    def take(self, call: _Call) -> None:
        with self._changed:
            if not self._threads:
                self._start()
            self._calls.append(call)
            if self._is_due():
                self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            ending, self._threads = self._threads, []
            self._changed.notify_all()
        until = time.monotonic() + _STOP_SECONDS
        for thread in ending:
            thread.join(max(0.0, until - time.monotonic()))

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True)
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while calls := self._next():
            try:
                self._carry_out(calls)
            finally:
                with self._changed:
                    self._busy -= 1
        database.disconnect()

    def _next(self) -> Sequence[_Call]:
        """Wait until it is this thread's turn. Returns the calls that are waiting then; none if the thread must end."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_due() or self._is_over())
            calls, self._calls = self._calls, []
            self._busy += bool(calls)
            return calls

    def _is_due(self) -> bool:
        return len(self._calls) >= (ENOUGH if self._busy else 1)

    def _is_over(self) -> bool:
        return threading.current_thread() not in self._threads


def _groups(calls: Iterable[_Call]) -> list[list[_Call]]:
    """Group the calls so that each name is once in a group: whether it is taken depends on earlier commits."""
    groups: list[tuple[list[_Call], set[Hashable]]] = []
    for call in calls:
        key = _key(call.new)
        for group, taken in groups:
            if len(group) < MAX_TOGETHER and key not in taken:
                break
        else:
            groups.append((group := [], taken := set()))
        group.append(call)
        if key is not None:
            taken.add(key)
    return [group for group, _ in groups]


def _key(new: NewJob) -> Hashable:
    return None if new.name is None else (names.folded(new.app_name), names.folded(new.name))


def _settle(calls: Sequence[_Call], outcomes: Sequence[UUID | BaseException]) -> None:
    """Give each call its outcome, unless its caller no longer waits."""
    for call, outcome in zip(calls, outcomes, strict=True):
        if call.answer.done():
            continue
        if isinstance(outcome, UUID):
            call.answer.set_result(outcome)
        else:
            call.answer.set_exception(outcome)
