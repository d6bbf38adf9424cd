"""The keeper of one command: starts it, waits for it, ends all processes it has left behind, and reports its end.

A separate program, which `command_process` starts for each command in a fresh interpreter, and which imports nothing
of ours. Only as a separate program can it adopt orphaned descendants of the command (they become its own children,
whatever their session), set limits between fork and exec without other threads, and clean up after a worker that was
killed. It consists of two processes, since the command may kill its parent: the inner one supervises the command, the
outer one the orphans of the inner one.

    standard input     a socket: the order comes as a line of JSON; its end, at any time, means: end everything.
                       The report goes back as a line of JSON: `exit_code`, or `errno` if the command did not start.
    standard output    the command's, and so is standard error
    first argument     the file descriptor that is the command's standard input
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

GRACE_SECONDS = 0.4  # between SIGTERM and SIGKILL
INNER_SECONDS = 2.0  # for the inner process to end everything; the command may have stopped it
UNKILLABLE_WAIT_SECONDS = 5.0  # with processes that even SIGKILL does not end, since they wait for a device
LOOK_SECONDS = 0.02

_CONTROL = 0
_ORPHANS_LOOK_MILLISECONDS = 1_000
_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_ADOPTION = 1, 4, 36  # of prctl(2)
_IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_AS_NEW = (*_IGNORED, signal.SIGPIPE, signal.SIGXFSZ)  # the last two are what Python ignores
_libc = ctypes.CDLL(None, use_errno=True)


def keep(standard_input: int) -> None:
    """Carry out one order from beginning to end, in a folder that is created for it and removed."""
    os.set_inheritable(standard_input, False)
    _libc.prctl(_SET_DUMPABLE, 0)  # only root may read our memory or write to it
    order = json.loads(_line())
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    folder = _folder(order["folders"])
    _libc.prctl(_SET_ADOPTION, 1)
    inner = os.fork()
    if inner == 0:
        _carry_out(order, folder, standard_input)
        os._exit(0)
    os.close(standard_input)
    status = _wait(inner)
    _end_all(inner, status, ask=False, grace=INNER_SECONDS if status is None else 0)
    shutil.rmtree(folder, ignore_errors=True)


def _folder(within: str) -> str:
    folder = f"{within}/carillon-{os.urandom(8).hex()}"
    try:
        os.mkdir(folder, 0o700)  # noqa: PTH102  a text is what goes into the environment
    except OSError as error:
        _report(_CONTROL, errno=error.errno)
        sys.exit()
    return folder


def _carry_out(order: dict[str, Any], folder: str, standard_input: int) -> None:
    _libc.prctl(_SET_ADOPTION, 1)
    command = _start(order, folder, standard_input)
    os.close(standard_input)
    status = _end_all(command, _wait(command), ask=True, grace=GRACE_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    if status is not None:
        _report(_CONTROL, exit_code=os.waitstatus_to_exitcode(status))


def _line() -> bytes:
    read = b""
    while not read.endswith(b"\n"):
        more = os.read(_CONTROL, 65_536)
        if not more:
            sys.exit()
        read += more
    return read


def _start(order: dict[str, Any], folder: str, standard_input: int) -> int:
    """Start the command. Returns its process id."""
    command = os.fork()
    if command == 0:
        _become(order, folder, standard_input)
    return command


def _become(order: dict[str, Any], folder: str, standard_input: int) -> NoReturn:
    """Turn this process into the command, in a session of its own, within its limits."""
    line = os.dup(_CONTROL)  # is closed when the program begins
    try:
        os.setsid()
        _libc.prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)  # if the keeper is killed
        os.dup2(standard_input, 0)
        os.chdir(folder)
        for number in _AS_NEW:
            signal.signal(number, signal.SIG_DFL)
        for name, most in order["limits"].items():
            resource.setrlimit(getattr(resource, name), (most, most))
        environment = {**order["environment"], "HOME": folder}
        variables = {name.encode(): value.encode() for name, value in environment.items()}
        os.execve(order["path"].encode(), [word.encode() for word in order["words"]], variables)  # noqa: S606
    except OSError as error:
        _report(line, errno=error.errno)
    finally:
        os._exit(127)


def _wait(child: int) -> int | None:
    """Wait until a child has ended, or everything is to end. Returns the child's status, if it has ended."""
    events = select.poll()
    events.register(_CONTROL, select.POLLIN)
    events.register(os.pidfd_open(child), select.POLLIN)
    while True:
        ready = dict(events.poll(_ORPHANS_LOOK_MILLISECONDS))
        _, status = _collect(child)
        if status is not None or _CONTROL in ready:
            return status


def _end_all(child: int, status: int | None, *, ask: bool, grace: float) -> int | None:
    """End all descendants of this process, by SIGKILL after the grace. Returns the child's status."""
    began = time.monotonic()
    if ask:
        _send(signal.SIGTERM)
    while True:
        anyone_left, ended = _collect(child)
        status = ended if status is None else status
        waited = time.monotonic() - began
        if not anyone_left or waited > UNKILLABLE_WAIT_SECONDS:
            return status
        if waited > grace:
            _send(signal.SIGKILL)
        time.sleep(LOOK_SECONDS)


def _collect(wanted: int) -> tuple[bool, int | None]:
    """Reap children that have ended. Returns whether any are left, and the wanted one's status if it has ended."""
    status = None
    while True:
        try:
            child, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False, status
        if child == 0:
            return True, status
        if child == wanted:
            status = ended


def _send(number: signal.Signals) -> None:
    for process in _descendants():
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            os.kill(process, number)


def _descendants() -> Iterator[int]:
    """Every process below this one, parents first."""
    children: dict[int, list[int]] = {}
    for process, parent in _parents():
        children.setdefault(parent, []).append(process)
    waiting = children.get(os.getpid(), [])
    while waiting:
        yield from waiting
        waiting = [child for process in waiting for child in children.get(process, [])]


def _parents() -> Iterator[tuple[int, int]]:
    """Returns each process's parent, from /proc/PID/stat (proc(5)): read after the name, which may hold anything."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            except OSError:  # it has ended meanwhile, or is hidden
                continue
            yield int(folder.name), int(fields[1])


def _report(line: int, **outcome: int | None) -> None:
    with suppress(OSError):  # the worker is gone
        os.write(line, json.dumps(outcome).encode() + b"\n")


if __name__ == "__main__":
    keep(int(sys.argv[1]))
