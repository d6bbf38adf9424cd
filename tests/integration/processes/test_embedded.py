"""The embedded server is taken down once, by one thread, in order, also where no signal ends it."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from actors.main import RunWorker
from processes import embedded
from services.files.sweeping import Sweeper
from services.maintenance.coordinator import Coordinator
from tests.acceptance.installation import ROOT
from tests.waiting import LONGEST

# Serving ends by a fault while attempts are within their grace; whoever else is about to drain has the time for it.
ENDED_BY_A_FAULT = """
import socket, sys, threading
from actors.main import RunWorker
from processes import embedded, signals
from services.maintenance.coordinator import Coordinator
from services.restoring.guard import Guard
import settings

def say(kind, name):
    real = getattr(kind, name)
    def said(self, *given):
        print("step:", kind.__name__, name, threading.current_thread().name, flush=True)
        return real(self, *given)
    setattr(kind, name, said)

finish = RunWorker.finish
def slowly(worker):
    worker._stopping.set()
    for thread in threading.enumerate():
        if thread.name == "drain":
            thread.join()
    finish(worker)

RunWorker.finish = slowly
for kind, name in (RunWorker, "finish"), (RunWorker, "stop"), (Coordinator, "stop"), (Guard, "stop"):
    say(kind, name)
signals.end_within = lambda *given: print("step: end_within", flush=True)
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]

def broken_pipe(_settings):
    raise BrokenPipeError("stdout is gone")

embedded.serve(settings.load({"DATA_DIR": sys.argv[1], "HOST": "127.0.0.1", "PORT": str(port)}), broken_pipe)
"""


def test_serving_that_a_fault_ends_is_taken_down_by_the_main_thread_alone(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDED_BY_A_FAULT, str(tmp_path)],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    said = [line.removeprefix("step: ") for line in ended.stdout.splitlines() if line.startswith("step: ")]
    steps = ["RunWorker finish", "RunWorker stop", "Coordinator stop", "Guard stop"]
    assert said == [f"{step} MainThread" for step in steps], "nor is an end with status 0 near"
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "BrokenPipeError: stdout is gone"


class Part:
    """Something that is started and stopped; it fails to start if it has an error, and to stop if it never started."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self._thread = threading.Thread(target=lambda: None)

    def start(self) -> None:
        if self._error is not None:
            raise self._error
        self._thread.start()

    def finish(self) -> None:
        self._thread.join()

    stop = finish


@pytest.mark.parametrize("failing", range(3))
def test_a_part_that_fails_to_start_is_the_error_that_ends_the_server(failing: int) -> None:
    error = RuntimeError("can't start new thread")
    given: list[Any] = [Part(error if place == failing else None) for place in range(3)]
    with pytest.raises(RuntimeError, match="can't start") as raised, ExitStack() as running:
        embedded._start(running, cast("RunWorker", given[0]), cast("Coordinator", given[1]), cast("Sweeper", given[2]))
    assert raised.value is error


def test_who_takes_the_parts_down_second_waits_until_they_are_down() -> None:
    entered, may_end = threading.Event(), threading.Event()
    parts, done = embedded.Parts(), list[str]()

    def first_part() -> None:
        entered.set()
        assert may_end.wait(LONGEST)
        done.append("first")

    parts.callback(done.append, "second")
    parts.callback(first_part)
    first = threading.Thread(target=parts.close)
    first.start()
    assert entered.wait(LONGEST)
    threading.Thread(target=may_end.set).start()
    parts.close()
    assert done == ["first", "second"]
    first.join()
