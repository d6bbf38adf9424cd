"""Runs one command in the foreground: passes signals on, returns its exit status, leaves no process behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from processes import programs, signals

PR_SET_CHILD_SUBREAPER = 36
COMMAND_NOT_FOUND = 127


def run_in_foreground(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command on our terminal. Returns its exit status when everything it started is gone."""
    adopt_orphans()
    before = set(programs.descendants(os.getpid()))
    children: list[subprocess.Popen[bytes]] = []
    try:
        with _signals_passed_on(children):  # before the child starts, since it may signal us at once
            children.append(subprocess.Popen([*programs.leash(signal.SIGTERM), *command], env=environment))
            return _wait(children[0])
    except OSError as error:
        if children:
            raise
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201
        return COMMAND_NOT_FOUND
    finally:
        _sweep(before)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Turn SIGTERM, SIGHUP and SIGINT into SystemExit, so that what was started is stopped on the way out."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(signals.SIGNALLED + number)

    with _handling((signal.SIGTERM, signal.SIGHUP, signal.SIGINT), leave):
        yield


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has ended, so that none is lost."""
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@contextmanager
def _signals_passed_on(children: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        if not children:
            raise SystemExit(signals.SIGNALLED + number)
        children[0].send_signal(number)

    def leave_to_child(_number: int, _frame: FrameType | None) -> None:
        """Do nothing: the terminal sends Ctrl-C to the command as well, and the command decides."""

    with (
        _handling((signal.SIGTERM, signal.SIGHUP), pass_on),
        _handling((signal.SIGINT,), leave_to_child),
    ):
        yield


@contextmanager
def _handling(numbers: Sequence[signal.Signals], handler: signal._HANDLER) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return
    with signals.left_to_others():
        former = {number: signal.signal(number, handler) for number in numbers}
        try:
            yield
        finally:
            for number, old in former.items():
                signal.signal(number, old)


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for the child, and meanwhile reap every orphan, since a zombie still looks alive to signals."""
    while child.returncode is None:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        if ended is None or ended.si_pid == child.pid:
            child.wait()
        else:
            os.waitpid(ended.si_pid, 0)
    return child.returncode if child.returncode >= 0 else signals.SIGNALLED - child.returncode


def _sweep(spared: set[int]) -> None:
    """Kill what the command left running, but not the servers, which were there before it."""
    while left := [pid for pid in programs.descendants(os.getpid()) if pid not in spared]:
        programs.signal_all(left, signal.SIGKILL)
        programs.wait_until_gone(left, timeout_seconds=10)
