"""A command that is stopped takes everything with it that it began."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from actors.commands import command_keeper, command_process
from actors.handlers import command
from core.errors import Aborted, AbortReason, TransientFailure
from services.execution.leases import Leases
from services.execution.work import Failed
from services.execution.workers import WorkerIdentity
from services.runtime.abort_scope import AbortScope
from tests.factories import given_system
from tests.unit.actors.command_handler.running import ALLOWED, failure_of, perform, result_of, work
from tests.waiting import LONGEST, until

ROOT = Path(__file__).parents[4]
# Each forks, goes on after SIGTERM, tells its process ids, and would go on for ever.
FOR_EVER = "while :; do sleep 0.05; done"
STUBBORN = f"trap : TERM; echo $$ >> {{pids}}; {FOR_EVER}"
QUOTED = STUBBORN.replace("$", "\\$")  # else the shell around it would tell its own process id
IN_THE_GROUP = f"({STUBBORN}) & {STUBBORN}"
IN_ANOTHER_SESSION = f'setsid sh -c "{QUOTED}" & {STUBBORN}'
A_DAEMON = f"setsid sh -c 'setsid sh -c \"{QUOTED}\" & exit' & {STUBBORN}"
WITHOUT_ENVIRONMENT = f'env -i setsid sh -c "{QUOTED}" & {STUBBORN}'
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
            assert select.select([self._reading], [], [], LONGEST)[0], f"waited in vain for two ids, after {told!r}"
            told += os.read(self._reading, 100)
        return [int(line) for line in told.split()]

    def close(self) -> None:
        os.close(self._reading)


@contextmanager
def stubborn(script: str, folder: Path) -> Iterator[Stubborn]:
    one = Stubborn(script, folder)
    try:
        yield one
    finally:
        one.close()


@contextmanager
def once_begun(one: Stubborn, act: Callable[[], object]) -> Iterator[Future[list[int]]]:
    """Do this once both processes have begun, or in vain should have; yields their ids as they will be."""

    def wait_and_act() -> list[int]:
        try:
            return one.wait_for_two()
        finally:
            act()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(wait_and_act)


@pytest.fixture
def patient_keeper(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the keeper by one that never kills a command for being slow, however slow this machine is."""
    text = Path(command_keeper.__file__).read_text()
    for name in ("GRACE_SECONDS", "INNER_SECONDS", "UNKILLABLE_WAIT_SECONDS"):
        text, count = re.subn(rf"^{name} = [\d.]+", f"{name} = {LONGEST}", text, flags=re.MULTILINE)
        assert count == 1
    copy = tmp_path_factory.mktemp("keeper") / "command_keeper.py"
    copy.write_text(text)
    monkeypatch.setattr(command_process, "_KEEPER", copy)
    monkeypatch.setattr(command_process, "_KEEPER_ENDS_WITHIN_SECONDS", LONGEST)


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
def test_a_command_that_forks_and_ignores_sigterm_is_gone_after_its_limit(script: str, tmp_path: Path) -> None:
    system = given_system(commands_allowed=ALLOWED)
    leases = Leases(system, WorkerIdentity(work({}).run_id, 1))
    limit = 30.0  # shorter than a lease

    def reach_the_limit() -> None:
        system.clock.advance(limit)
        with leases._changed:
            leases._changed.notify_all()

    leases.start()
    with stubborn(script, tmp_path) as one, once_begun(one, reach_the_limit) as told:
        attempt = replace(work(one.data, limit), claimed_monotonic=system.clock.monotonic())
        with leases.holding(attempt) as scope, pytest.raises(Aborted) as stopped:
            command.perform(system, attempt, scope)
    leases.stop()
    pids = told.result()
    assert len(set(pids)) == 2
    assert stopped.value.reason is AbortReason.TIME_LIMIT
    assert not [pid for pid in pids if is_there(pid)]


@pytest.mark.parametrize("script", WAYS, ids=NAMES)
def test_a_command_whose_worker_is_killed_ends_too(script: str, tmp_path: Path) -> None:
    with stubborn(script, tmp_path) as one:
        program = f"from tests.unit.actors.command_handler.running import perform; perform({one.data!r})"
        worker = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
        pids = one.wait_for_two()
        assert len(set(pids)) == 2
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        wait_until_gone(pids, LONGEST)


def test_an_abort_before_the_start_starts_nothing(tmp_path: Path) -> None:
    scope = AbortScope()
    scope.abort(AbortReason.CANCELLED)
    with pytest.raises(Aborted):
        perform({"argv": ["sh", "-c", f"echo x > {tmp_path}/began"]}, scope)
    assert not (tmp_path / "began").exists()


def test_a_command_that_is_overdue_once_its_keeper_runs_is_not_started(tmp_path: Path) -> None:
    """As after the process was frozen for longer than its lease."""
    with pytest.raises(Aborted):
        perform({"argv": ["sh", "-c", f"echo > {tmp_path}/began"]}, AbortScope(lambda: AbortReason.LEASE_LOST))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("patient_keeper")
def test_a_command_that_heeds_sigterm_may_clean_up(tmp_path: Path) -> None:
    cleaning = f"trap 'echo bye > {tmp_path}/bye; exit' TERM"
    script = f"{cleaning}; echo $$ >> {{pids}}; echo $$ >> {{pids}}; {FOR_EVER}"
    scope = AbortScope()
    with (
        stubborn(script, tmp_path) as one,
        once_begun(one, lambda: scope.abort(AbortReason.CANCELLED)),
        pytest.raises(Aborted),
    ):
        perform(one.data, scope)
    assert (tmp_path / "bye").read_text() == "bye\n"


def test_a_command_has_a_session_and_a_group_of_its_own() -> None:
    """What it sends to its group, as a shell may when it ends, reaches neither its keeper nor the worker."""
    ids = "import os; print(os.getpid(), os.getsid(0), os.getpgrp(), os.getsid(os.getppid()), os.getpgid(os.getppid()))"
    own, session, group, *of_keeper = map(int, result_of("python3", "-c", ids)["stdout"].split())
    assert (session, group) == (own, own)
    assert {own}.isdisjoint({*of_keeper, os.getsid(0), os.getpgrp()})


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    pid = int(result_of("sh", "-c", "setsid sleep 1000 > /dev/null 2>&1 & echo $!")["stdout"])
    assert not is_there(pid)


@pytest.mark.parametrize(
    "whom", ["$PPID", "$(cut -d' ' -f4 /proc/$PPID/stat)"], ids=["its parent", "its parent's parent"]
)
def test_a_command_that_kills_a_keeper_is_killed_with_all_it_began(whom: str, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    other = f'setsid sh -c "trap : TERM; echo \\$\\$ >> {{pids}}; touch {begun}; {FOR_EVER}"'
    both = f"{other} & trap : TERM; echo $$ >> {{pids}}; until [ -e {begun} ]; do sleep 0.01; done"
    with stubborn(f"{both}; (kill -9 {whom}) & {FOR_EVER}", tmp_path) as one:
        result = perform(one.data)
        pids = one.wait_for_two()
    assert isinstance(result, Failed)
    assert isinstance(result.error, TransientFailure)
    assert not [pid for pid in pids if is_there(pid)]


def test_a_keeper_that_is_killed_is_told_of() -> None:
    failure = failure_of("sh", "-c", "kill -9 $PPID; exec sleep 1000")
    assert "its keeper was killed" in failure.error.message
    assert not failure.error.permanent


def test_a_command_that_stops_its_keeper_ends_when_it_is_to(tmp_path: Path) -> None:
    scope = AbortScope()
    with (
        stubborn(f"kill -STOP $PPID; {IN_ANOTHER_SESSION}", tmp_path) as one,
        once_begun(one, lambda: scope.abort(AbortReason.CANCELLED)) as told,
        pytest.raises(Aborted),
    ):
        perform(one.data, scope)
    assert not [pid for pid in told.result() if is_there(pid)]


@pytest.mark.parametrize("moment", ["before its order", "after its start"])
def test_a_worker_that_is_killed_leaves_no_folder_of_its_command(moment: str, tmp_path: Path) -> None:
    before = "command_process._order = lambda *_: os.kill(os.getpid(), 9)\n" if moment == "before its order" else ""
    program = (
        f"import os\nfrom actors.commands import command_process\n{before}"
        "from tests.unit.actors.command_handler.running import perform\n"
        "perform({'argv': ['sh', '-c', 'kill -9 $(cut -d\" \" -f4 /proc/$(cut -d\" \" -f4 /proc/$PPID/stat)/stat)']})"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    worker = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False)
    assert worker.returncode == -signal.SIGKILL
    until(lambda: list(tmp_path.iterdir()) == [], "the folder to be gone")


def test_one_process_that_may_not_be_killed_does_not_spare_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []

    def kill(pid: int, _number: int) -> None:
        sent.append(pid)
        raise PermissionError

    monkeypatch.setattr(command_keeper, "_descendants", lambda: iter([1001, 1002]))
    monkeypatch.setattr(os, "kill", kill)
    command_keeper._send(signal.SIGKILL)
    assert sent == [1001, 1002]
