"""One way to stop work that is under way."""

from __future__ import annotations

import threading

import pytest
import structlog

from core.errors import Aborted, AbortReason
from services.runtime.abort_scope import AbortScope
from tests.factories import in_threads
from tests.waiting import LONGEST


def test_a_scope_that_nobody_stopped_lets_work_go_on() -> None:
    scope = AbortScope()
    with scope.interruptible(pytest.fail):
        scope.raise_if_aborted()
    assert scope.reason is None


def test_an_abort_interrupts_what_is_blocked_at_that_moment() -> None:
    scope, woken = AbortScope(), threading.Event()
    waker = threading.Thread(target=scope.abort, args=(AbortReason.CANCELLED,))
    with scope.interruptible(woken.set):
        waker.start()
        assert woken.wait(LONGEST)
    waker.join()
    with pytest.raises(Aborted, match="cancelled") as stopped:
        scope.raise_if_aborted()
    assert stopped.value.reason is AbortReason.CANCELLED


def test_every_block_entered_is_interrupted_and_none_that_was_left() -> None:
    scope, interrupted = AbortScope(), []
    with scope.interruptible(lambda: interrupted.append("outer")):
        with scope.interruptible(lambda: interrupted.append("left")):
            pass
        with scope.interruptible(lambda: interrupted.append("inner")):
            scope.abort(AbortReason.SHUTDOWN)
    assert sorted(interrupted) == ["inner", "outer"]


def test_a_block_left_by_an_error_is_not_interrupted() -> None:
    scope = AbortScope()
    with pytest.raises(ValueError, match="inside"), scope.interruptible(pytest.fail):
        raise ValueError("inside")
    scope.abort(AbortReason.CANCELLED)


def test_the_first_reason_stands_and_interrupts_once() -> None:
    scope, interrupted = AbortScope(), []
    with scope.interruptible(lambda: interrupted.append(scope.reason)):
        scope.abort(AbortReason.TIME_LIMIT)
        scope.abort(AbortReason.SHUTDOWN)
    assert interrupted == [AbortReason.TIME_LIMIT]
    assert scope.reason is AbortReason.TIME_LIMIT


def test_work_that_was_stopped_before_it_blocks_does_not_begin_to() -> None:
    scope = AbortScope()
    scope.abort(AbortReason.LEASE_LOST)
    with pytest.raises(Aborted, match="lease_lost"), scope.interruptible(pytest.fail):
        pytest.fail("The block was entered.")


def test_of_many_who_abort_at_once_one_gives_the_reason_and_the_work_is_interrupted_once() -> None:
    for _ in range(50):
        abort_with_every_reason_at_once(AbortScope())


def abort_with_every_reason_at_once(scope: AbortScope) -> None:
    reasons = list(AbortReason)
    interrupted: list[AbortReason | None] = []
    with scope.interruptible(lambda: interrupted.append(scope.reason)):
        in_threads(len(reasons), lambda number: scope.abort(reasons[number]))
    assert interrupted == [scope.reason]


def test_an_abort_that_comes_as_a_block_is_entered_is_never_overlooked() -> None:
    for _ in range(200):
        scope, woken = AbortScope(), threading.Event()
        stopper = threading.Thread(target=scope.abort, args=(AbortReason.CANCELLED,))
        stopper.start()
        try:
            with scope.interruptible(woken.set):
                assert woken.wait(LONGEST), "the block was entered, so the abort has to interrupt it"
        except Aborted:
            assert not woken.is_set()
        stopper.join()


class Raced(AbortScope):
    """A scope that someone aborts at the worst moment: it was found not aborted, and the block is about to begin."""

    stopper: threading.Thread | None = None

    def _raise_if_told(self) -> None:
        super()._raise_if_told()
        self.stopper = threading.Thread(target=self.abort, args=(AbortReason.CANCELLED,))
        self.stopper.start()
        self.stopper.join(0.1)  # time enough to overtake, if nothing makes it wait


def test_an_abort_between_the_look_and_the_block_waits_for_the_block_and_interrupts_it() -> None:
    scope, woken = Raced(), threading.Event()
    with scope.interruptible(woken.set):
        assert woken.wait(LONGEST)
    assert scope.stopper is not None
    scope.stopper.join()


def closed() -> None:
    raise OSError("The socket is closed already.")


def test_an_interrupt_that_fails_keeps_no_other_from_being_called_and_harms_nobody_who_aborts() -> None:
    scope, woken = AbortScope(), threading.Event()
    with scope.interruptible(closed), scope.interruptible(woken.set):
        with structlog.testing.capture_logs() as lines:
            scope.abort(AbortReason.TIME_LIMIT)
        assert woken.is_set()
    assert [(line["event"], line["reason"]) for line in lines] == [("interrupt_failed", "time_limit")]
