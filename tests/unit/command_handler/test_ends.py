"""A command that is stopped takes everything with it that it began."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from actors.handlers import command
from core.errors import Aborted, AbortReason, TransientFailure
from services.abort import Scope
from services.executing import Failed, WorkerIdentity
from services.leases import Leases
from services.system import System
from tests.factories import RecordingDoorbell, RunningClock, given_system
from tests.unit.command_handler.running import ALLOWED, failure_of, perform, result_of, work

ROOT = Path(__file__).parents[3]
# Each forks, ignores SIGTERM, tells its process ids, and would go on for ever.
STUBBORN = "trap '' TERM; echo $$ >> {pids}; while :; do sleep 0.05; done"
IN_THE_GROUP = f"({STUBBORN}) & {STUBBORN}"
IN_ANOTHER_SESSION = f'setsid sh -c "{STUBBORN}" & {STUBBORN}'
A_DAEMON = f"setsid sh -c 'setsid sh -c \"{STUBBORN}\" & exit' & {STUBBORN}"
WITHOUT_ENVIRONMENT = f'env -i setsid sh -c "{STUBBORN}" & {STUBBORN}'
STOPPED = f'sh -c "echo \\$\\$ >> {{pids}}; kill -STOP \\$\\$" & {STUBBORN}'
WAYS = [IN_THE_GROUP, IN_ANOTHER_SESSION, A_DAEMON, WITHOUT_ENVIRONMENT, STOPPED]
NAMES = ["group", "session", "daemon", "environment", "stopped"]


class Stubborn:
    """A command that does not want to end, and the processes it is made of."""

    def __init__(self, script: str, folder: Path) -> None:
        self._pids = folder / "pids"
        os.mkfifo(self._pids)
        self._reading = os.open(self._pids, os.O_RDWR)
        script = script.replace("$$ >>", "$(exec sh -c 'echo $PPID') >>") if script is IN_THE_GROUP else script
        self.data = {"argv": ["sh", "-c", script.replace("{pids}", str(self._pids))]}

    def wait_for_two(self) -> list[int]:
        """The ids of its two processes, once both have begun."""
        told = b""
        while told.count(b"\n") < 2:
            told += os.read(self._reading, 100)
        return [int(line) for line in told.split()]

    def close(self) -> None:
        os.close(self._reading)


@contextmanager
def stubborn(script: str, folder: Path) -> Iterator[Stubborn]:
    one = Stubborn(script, folder)
    yield one
    one.close()


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pids: list[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for pid in pids:
        with suppress(ProcessLookupError):
            ended = os.pidfd_open(pid)
            assert select.select([ended], [], [], max(0, deadline - time.monotonic()))[0], f"{pid} is still there"
            os.close(ended)


@pytest.mark.parametrize("script", WAYS, ids=NAMES)
def test_a_command_that_forks_and_ignores_sigterm_is_gone_a_second_after_its_limit(script: str, tmp_path: Path) -> None:
    limit = 1.0
    system = System(given_system(commands_allowed=ALLOWED).settings, RunningClock(), RecordingDoorbell())
    leases = Leases(system, WorkerIdentity(work({}).run_id, 1))
    leases.start()
    with stubborn(script, tmp_path) as one:
        attempt = replace(work(one.data, limit), claimed_monotonic=system.clock.monotonic())
        began = time.monotonic()
        with leases.holding(attempt) as scope, pytest.raises(Aborted) as stopped:
            command.perform(system, attempt, scope)
        took = time.monotonic() - began
        pids = one.wait_for_two()
    leases.stop()
    assert stopped.value.reason is AbortReason.TIME_LIMIT
    assert limit <= took < limit + 1
    assert not [pid for pid in pids if is_there(pid)]


@pytest.mark.parametrize("script", WAYS, ids=NAMES)
def test_a_command_whose_worker_is_killed_ends_within_a_second(script: str, tmp_path: Path) -> None:
    with stubborn(script, tmp_path) as one:
        program = f"from tests.unit.command_handler.running import perform; perform({one.data!r})"
        worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
        pids = one.wait_for_two()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        wait_until_gone(pids, seconds=1)


def test_an_abort_before_the_start_starts_nothing(tmp_path: Path) -> None:
    scope = Scope()
    scope.abort(AbortReason.CANCELLED)
    with pytest.raises(Aborted):
        perform({"argv": ["sh", "-c", f"echo x > {tmp_path}/began"]}, scope)
    assert not (tmp_path / "began").exists()


def test_a_command_that_heeds_sigterm_may_clean_up(tmp_path: Path) -> None:
    cleaning = f"trap 'echo bye > {tmp_path}/bye; exit' TERM"
    script = f"{cleaning}; echo $$ >> {{pids}}; echo $$ >> {{pids}}; while :; do sleep 0.05; done"
    scope = Scope()
    with stubborn(script, tmp_path) as one:

        def cancel_once_begun() -> None:
            one.wait_for_two()
            scope.abort(AbortReason.CANCELLED)

        thread = threading.Thread(target=cancel_once_begun)
        thread.start()
        with pytest.raises(Aborted):
            perform(one.data, scope)
        thread.join()
    assert (tmp_path / "bye").read_text() == "bye\n"


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    pid = int(result_of("sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 & echo $!")["stdout"])
    assert not is_there(pid)


def test_a_command_that_kills_its_keeper_is_killed_too() -> None:
    failure = failure_of("sh", "-c", "echo $$ >&2; kill -9 $PPID; sleep 1000")
    assert isinstance(failure, Failed)
    assert isinstance(failure.error, TransientFailure)
    assert "its keeper was killed" in failure.error.message
