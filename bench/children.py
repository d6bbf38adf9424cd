"""Start the child processes of a benchmark by kind, measure their processor time, and stop them."""

from __future__ import annotations

import functools
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from bench import processor_time
from processes import programs

_GRACE_SECONDS = 20


class Children:
    """Programs that end with the block; their output goes to one file."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._kinds: dict[str, list[subprocess.Popen[bytes]]] = {}

    def start(self, kind: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        """Start one more process of a kind."""
        with self._log.open("ab") as output:
            process = programs.spawn(command, output=output, environment=environment, folder=folder)
        self._kinds.setdefault(kind, []).append(process)

    def run(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        """Run a command to its end. Raises `ProgramError` with its last lines if it fails."""
        with self._log.open("ab") as output:
            status = programs.spawn(command, output=output, environment=environment, folder=folder).wait()
        if status:
            raise programs.ProgramError(f"{' '.join(command)} ended with status {status}:\n{self._last_words()}")

    def pids(self, kind: str) -> list[int]:
        """Returns the processes of a kind."""
        return [process.pid for process in self._kinds.get(kind, [])]

    def processor_seconds(self, kind: str) -> float:
        """Returns the processor time that the processes of a kind have used."""
        return processor_time.of_trees(self.pids(kind))

    def meters(self, *kinds: str) -> dict[str, Callable[[], float]]:
        """Returns, for each kind, a function that reads its processor seconds."""
        return {kind: functools.partial(self.processor_seconds, kind) for kind in kinds}

    def check(self) -> None:
        """Raise `ProgramError` with the last lines of the log if any has ended by itself."""
        for kind, processes in self._kinds.items():
            if any(process.poll() is not None for process in processes):
                raise programs.ProgramError(f"{kind} ended by itself:\n{self._last_words()}")

    def kill(self, kind: str, number: signal.Signals) -> None:
        """Send the processes of a kind a signal that ends them, and return when they have ended."""
        for process in self._kinds.pop(kind, []):
            process.send_signal(number)
            process.wait()

    def stop(self, kind: str | None = None) -> None:
        """Ask the processes of a kind, or all, to end, and return when they have."""
        ending = [self._kinds.pop(one) for one in ([kind] if kind else list(self._kinds)) if one in self._kinds]
        processes = [process for group in ending for process in group]
        if not processes:
            return
        with ThreadPoolExecutor(len(processes)) as pool:
            list(pool.map(lambda one: programs.end(one, by=signal.SIGTERM, grace_seconds=_GRACE_SECONDS), processes))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
