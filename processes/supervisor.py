"""Keeps the processes of a Procfile running: each that dies is restarted, with growing delays."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TextIO

from honcho.environ import parse_procfile

from processes import programs

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)
OWN_NAME = "supervisor"
LAST_WORDS_SECONDS = 1


@dataclass(frozen=True)
class Backoff:
    """The delay before a process is started again."""

    first_seconds: float = 0.5
    longest_seconds: float = 30
    good_life_seconds: float = 10

    def after(self, previous_seconds: float | None, lived_seconds: float) -> float:
        """Returns the next delay: doubled each time, and short again after a long life."""
        if previous_seconds is None or lived_seconds >= self.good_life_seconds:
            return self.first_seconds
        return min(previous_seconds * 2, self.longest_seconds)


class Supervisor:
    """Runs every command as a process group, shows its output, and starts it again when it dies.

    A command that runs once has its own name; several instances are `worker.1`, `worker.2`.
    """

    def __init__(
        self,
        commands: Mapping[str, str],
        environment: Mapping[str, str],
        *,
        concurrency: Mapping[str, int] | None = None,
        folder: Path | None = None,
        output: TextIO | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        named = _instances(commands, concurrency or {})
        self._printer = _Printer(output or sys.stdout, [*named, OWN_NAME])
        surroundings = {"PYTHONUNBUFFERED": "1", **environment}
        self._watched = {
            name: _Watched(
                name=name,
                command=shlex.split(command),  # without a shell in between, signals reach the process
                environment=surroundings,
                folder=folder,
                printer=self._printer,
                backoff=backoff or Backoff(),
            )
            for name, command in named.items()
        }

    @classmethod
    def of_procfile(
        cls, file: Path, environment: Mapping[str, str], *, concurrency: Mapping[str, int] | None = None
    ) -> Self:
        """Supervise what the file lists, in the file's own folder."""
        commands = parse_procfile(file.read_text()).processes
        return cls(commands, environment, concurrency=concurrency, folder=file.resolve().parent)

    def start(self) -> None:
        for watched in self._watched.values():
            watched.start()

    def stop(self, grace_seconds: float = 30) -> None:
        """Ask every process to end, kill those that have not ended after the grace, and wait until all are gone."""
        deadline = time.monotonic() + grace_seconds
        try:
            self.ask_to_end()
            for watched in self._watched.values():
                watched.join(max(0.0, deadline - time.monotonic()))
        finally:  # also when a second Ctrl-C cuts the grace short
            for watched in self._watched.values():
                watched.kill()

    def ask_to_end(self) -> None:
        """Ask every process to end; a second time tells workers to do so at once."""
        for watched in self._watched.values():
            watched.ask_to_end()

    def pid(self, name: str) -> int | None:
        """Returns the id of the process of this name while it runs."""
        return self._watched[name].pid


class _Watched:
    """One process, and the thread that starts it again and again."""

    def __init__(
        self,
        *,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path | None,
        printer: _Printer,
        backoff: Backoff,
    ) -> None:
        self.pid: int | None = None
        self._name, self._command, self._environment, self._folder = name, command, environment, folder
        self._printer, self._backoff = printer, backoff
        self._thread = threading.Thread(target=self._keep_running, name=f"supervisor-{name}", daemon=True)
        self._ending = threading.Event()
        self._lock = threading.Lock()  # held only while a process is started or signalled

    def start(self) -> None:
        self._thread.start()

    def ask_to_end(self) -> None:
        """Signal the first process only: it passes the signal on, and two signals mean "at once" to a worker."""
        with self._lock:
            self._ending.set()
            self._signal(os.kill, signal.SIGTERM)

    def kill(self) -> None:
        with self._lock:
            self._ending.set()
            self._signal(os.killpg, signal.SIGKILL)
        self.join(None)

    def join(self, timeout_seconds: float | None) -> None:
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)

    def _signal(self, send: Callable[[int, int], None], number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                send(self.pid, number)

    def _keep_running(self) -> None:
        delay: float | None = None
        while not self._ending.is_set():
            began = time.monotonic()
            end = self._live_once()
            if self._ending.is_set():
                self._printer.line(OWN_NAME, f"{self._name} stopped ({end})")
                return
            lived = time.monotonic() - began
            delay = self._backoff.after(delay, lived)
            self._printer.line(
                OWN_NAME, f"{self._name} ended after {lived:.1f} s ({end}); starting again in {delay:g} s"
            )
            self._ending.wait(delay)

    def _live_once(self) -> str:
        """Run the process to its end. Returns how it ended; one that cannot be started has ended too."""
        try:
            process = self._begin()
        except programs.NOT_STARTED as error:
            return f"cannot be started: {error}"
        if process is None:
            return "not started"
        return self._watch(process)

    def _begin(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._ending.is_set():
                return None
            process = programs.spawn(
                self._command,
                output=subprocess.PIPE,
                environment=self._environment,
                folder=self._folder,
                last_signal=signal.SIGTERM,  # if we are killed: a master then ends its own children
            )
            self.pid = process.pid
            return process

    def _watch(self, process: subprocess.Popen[bytes]) -> str:
        """Show the output until the process ends. Returns how it ended."""
        reader = threading.Thread(target=self._show, args=(process,), name=f"output-{self._name}", daemon=True)
        try:
            reader.start()
        except RuntimeError as error:  # nobody would read the output, and a full pipe stops the process
            self._end_group(process)
            if process.stdout is not None:
                process.stdout.close()
            return f"killed, since its output cannot be shown: {error}"
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its id stays ours until its status is taken
        status = self._end_group(process)
        reader.join(LAST_WORDS_SECONDS)  # not for ever: a descendant in its own session may hold the pipe
        return _meaning(status)

    def _end_group(self, process: subprocess.Popen[bytes]) -> int:
        """Kill what is left of the process and its group. Returns its status."""
        with self._lock:
            self._signal(os.killpg, signal.SIGKILL)
            self.pid = None
            return process.wait()

    def _show(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            return
        with process.stdout as lines:
            for line in lines:
                self._printer.line(self._name, line.decode(errors="replace").rstrip("\r\n"))


class _Printer:
    """Writes whole lines, each after the name of its process; in colour on a terminal only."""

    def __init__(self, output: TextIO, names: list[str]) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._width = max(map(len, names))
        self._colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}

    def line(self, name: str, text: str) -> None:
        prefix = f"{name:{self._width}} | "
        if self._output.isatty():
            prefix = f"\033[{self._colours[name]}m{prefix}\033[0m"
        # A reader that went away must not stop the processes.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._output.write(f"{prefix}{text}\n")
            self._output.flush()


def _instances(commands: Mapping[str, str], concurrency: Mapping[str, int]) -> dict[str, str]:
    named = {}
    for name, command in commands.items():
        count = concurrency.get(name, 1)
        for number in range(1, count + 1):
            named[name if count == 1 else f"{name}.{number}"] = command
    return named


def _meaning(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name
