"""The supervisor starts again what dies, and ends everything when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from processes import programs
from processes.supervisor import Backoff, Supervisor
from tests.waiting import LONGEST, Lines

ROOT = Path(__file__).parents[3]
QUICK = Backoff(first_seconds=0.01, longest_seconds=0.05)
WAITS = "sh -c 'echo here; exec sleep 600'"
SUPERVISES = """
import contextlib, os, pathlib, sys, threading
from local import foreground
from processes.supervisor import Supervisor

supervisor = Supervisor.of_procfile(pathlib.Path(sys.argv[1]), dict(os.environ))
with contextlib.suppress(SystemExit), foreground.exit_on_signals():
    supervisor.start()
    threading.Event().wait()
supervisor.stop()
"""
DEAF = "sh -c 'trap \"\" TERM; echo here; while :; do sleep 600; done'"


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def running(lines: Lines) -> Iterator[Supervisor]:
    supervisor = Supervisor({"web": WAITS}, dict(os.environ), output=lines, backoff=QUICK)
    supervisor.start()
    lines.wait_for("here")
    yield supervisor
    supervisor.stop(grace_seconds=0)


def pid_of(supervisor: Supervisor, name: str) -> int:
    pid = supervisor.pid(name)
    assert pid is not None
    return pid


def test_the_delay_doubles_up_to_a_limit_and_is_short_again_after_a_good_life() -> None:
    backoff = Backoff()
    delays = [delay := backoff.after(None, 0)]
    delays += [delay := backoff.after(delay, lived_seconds=1) for _ in range(7)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert backoff.after(30, lived_seconds=10) == 0.5


def test_a_process_that_is_killed_is_started_again(running: Supervisor, lines: Lines) -> None:
    first = pid_of(running, "web")
    os.kill(first, signal.SIGKILL)
    assert "SIGKILL); starting again in 0.01 s" in lines.wait_for("web ended")
    lines.wait_for("here")
    assert pid_of(running, "web") != first


def test_a_process_that_keeps_ending_is_started_later_each_time(lines: Lines) -> None:
    supervisor = Supervisor({"bad": "sh -c 'exit 3'"}, dict(os.environ), output=lines, backoff=QUICK)
    supervisor.start()
    delays = [lines.wait_for("bad ended").rpartition(" in ")[2] for _ in range(5)]
    supervisor.stop()
    assert delays == ["0.01 s", "0.02 s", "0.04 s", "0.05 s", "0.05 s"]


def test_each_line_names_who_said_it(running: Supervisor, lines: Lines) -> None:
    os.kill(pid_of(running, "web"), signal.SIGKILL)
    assert lines.wait_for("web ended").startswith("supervisor | ")
    assert lines.wait_for("here") == "web        | here"


def test_stopping_ends_what_heeds_the_signal_and_kills_what_does_not(lines: Lines) -> None:
    supervisor = Supervisor({"good": WAITS, "deaf": DEAF}, dict(os.environ), output=lines)
    supervisor.start()
    lines.wait_for("here")
    lines.wait_for("here")
    pids = [pid_of(supervisor, name) for name in ("good", "deaf")]
    supervisor.stop(grace_seconds=5)
    assert "SIGTERM" in lines.wait_for("good stopped")
    assert "SIGKILL" in lines.wait_for("deaf stopped")
    programs.wait_until_gone(pids, timeout_seconds=0)
    assert supervisor.pid("deaf") is None


def test_what_a_dead_process_leaves_of_its_group_ends_with_it(lines: Lines) -> None:
    command = "sh -c 'sleep 600 & echo child $!; wait'"
    supervisor = Supervisor({"web": command}, dict(os.environ), output=lines)
    supervisor.start()
    child = int(lines.wait_for("child").rpartition(" ")[2])
    os.kill(pid_of(supervisor, "web"), signal.SIGKILL)
    lines.wait_for("web ended")
    programs.wait_until_gone([child], LONGEST)
    supervisor.stop(grace_seconds=0)


def test_several_of_a_kind_have_numbers(lines: Lines) -> None:
    supervisor = Supervisor({"web": WAITS, "worker": WAITS}, dict(os.environ), concurrency={"worker": 2}, output=lines)
    supervisor.start()
    started = {lines.wait_for("here").split()[0] for _ in range(3)}
    assert started == {"web", "worker.1", "worker.2"}
    assert pid_of(supervisor, "worker.1") != pid_of(supervisor, "worker.2")
    supervisor.stop()
    assert supervisor.pid("worker.1") is None


@pytest.mark.parametrize("name", ["output-web", "spawner"])
def test_what_cannot_be_started_for_want_of_a_thread_is_started_again(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Before it has begun, or just after: then nobody could read its output."""
    programs._spawner.cache_clear()
    others = set(programs.descendants(os.getpid()))
    refused = refuse_the_first_thread(monkeypatch, name)
    supervisor = Supervisor({"web": WAITS}, dict(os.environ), output=lines, backoff=QUICK)
    supervisor.start()
    assert "can't start new thread" in lines.wait_for("web ended")
    lines.wait_for("here")
    begun = set(programs.descendants(os.getpid())) - others
    assert (begun, len(refused)) == ({pid_of(supervisor, "web")}, 1)
    supervisor.stop()


def refuse_the_first_thread(monkeypatch: pytest.MonkeyPatch, name: str) -> list[threading.Thread]:
    """Have the system start no thread the first time that one of this name begins. Returns those refused."""
    start, refused = threading.Thread.start, list[threading.Thread]()

    def begin(thread: threading.Thread) -> None:
        if thread.name.startswith(name) and not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", begin)
    return refused


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_processes_end_with_the_supervisor(number: signal.Signals, tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("web: sh -c 'echo pid $$; exec sleep 600'\n")
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISES, str(procfile)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        child = int(supervisor.stdout.readline().rpartition(" ")[2])
        supervisor.send_signal(number)
        status = supervisor.wait(LONGEST)
    assert status == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    programs.wait_until_gone([child], LONGEST)
