"""Starts and ends other programs, and leaves none behind."""

from __future__ import annotations

import functools
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

NOT_STARTED = (OSError, RuntimeError)
"""What `spawn` raises if the machine can start no process, or no thread, at present."""


class ProgramError(Exception):
    """A program or server could not do what was asked; the message says what to do."""


def spawn(
    command: Sequence[str],
    *,
    output: int | IO[bytes],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    user: str | None = None,
    last_signal: signal.Signals = signal.SIGKILL,
    descriptors: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a program as a process group; the kernel sends it `last_signal` should this process die.

    It inherits these file descriptors. Raises one of `NOT_STARTED` if the machine cannot start it at present.
    """

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*leash(last_signal), *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=folder,
            user=user,
            group=user and _group_of(user),
            extra_groups=[] if user else None,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C reaches only us; we decide when to end the program
        )

    try:
        begun = _spawner(os.getpid()).submit(start)
    except RuntimeError:
        _spawner.cache_clear()  # this one keeps what it found no thread for, and would start it with the next
        raise
    return begun.result()


@functools.cache
def leash(last_signal: signal.Signals) -> list[str]:
    """Wrap a command in util-linux's setpriv, if it is installed (it replaces itself by the command)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", last_signal.name.removeprefix("SIG"), "--"] if setpriv else []


def end(process: subprocess.Popen[bytes], *, by: signal.Signals, grace_seconds: float) -> None:
    """Ask the program to end; after the grace, kill it with all its descendants."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            kill_family(process)


def kill_family(process: subprocess.Popen[bytes], *, grace_seconds: float = 10) -> None:
    """Kill the program and all its descendants at once, and wait until they are gone."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGSTOP)  # a stopped parent starts no more children while we list them
    children = descendants(process.pid)
    process.kill()
    signal_all(children, signal.SIGKILL)
    process.wait()
    wait_until_gone(children, grace_seconds)


def descendants(pid: int) -> list[int]:
    """Returns every living process below the given one, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = entry.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # it ended while we looked
        if state not in "ZX":
            children.setdefault(int(parent), []).append(int(entry.parent.name))
    found = list(children.get(pid, []))
    for child in found:  # the list grows while we walk it
        found += children.get(child, [])
    return found


def signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    """Signal each process that still exists."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def wait_until_gone(pids: Sequence[int], timeout_seconds: float) -> None:
    """Wait until none of the processes runs any more; they need not be our own children."""
    deadline = time.monotonic() + timeout_seconds
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            remaining = max(0.0, deadline - time.monotonic())
            if not select.select([handle], [], [], remaining)[0]:
                raise ProgramError(f"Process {pid} has not ended within {timeout_seconds} s.")
        finally:
            os.close(handle)


@functools.cache
def _spawner(_process_id: int) -> ThreadPoolExecutor:
    """Returns one lasting thread per process: the kernel takes the thread that started a program for its parent."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def _group_of(user: str) -> int:
    import pwd  # noqa: PLC0415  absent on some systems, where no user is ever given

    return pwd.getpwnam(user).pw_gid
