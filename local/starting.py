"""Waits for programs that were just started."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from processes.programs import ProgramError, kill_family

_PAUSE_BETWEEN_LOOKS_SECONDS = 0.02
_LONGEST_START_SECONDS = 180


def wait_until_ready(
    check: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, *, name: str | None = None
) -> None:
    """Wait until the program answers.

    Raises `ProgramError` with the end of its log if it dies, or takes longer than even a busy machine would.
    """
    name = name or log.stem
    deadline = time.monotonic() + _LONGEST_START_SECONDS
    while not check():
        if process.poll() is not None:
            raise ProgramError(f"{name} ended with status {process.returncode}:\n{_tail(log)}")
        if time.monotonic() > deadline:
            kill_family(process)
            raise ProgramError(f"{name} did not answer within {_LONGEST_START_SECONDS} s:\n{_tail(log)}")
        time.sleep(_PAUSE_BETWEEN_LOOKS_SECONDS)


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
