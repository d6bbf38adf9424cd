"""Add the lines that a command writes to the log of its run, while the command runs.

The thread that reads the command's output never waits for the database: output is buffered, and one thread of this
process stores it for all its commands, at most once a second for each. What cannot be stored while the database is
away is stored once it is back, as far as it is buffered, and if the command still runs then.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor

import structlog

from actors.commands.output_lines import Batch, Stream, WaitingOutput
from core.errors import DatabaseUnavailable
from services.execution import command_lines
from services.execution.work import Work
from services.system import System

EVERY_SECONDS = 1.0
_TIMES_LONGER_AFTER_A_FAULT = 10
_LAST_SECONDS = 5.0

_thread = ThreadPoolExecutor(1, thread_name_prefix="command-log")
log = structlog.get_logger()


class CommandLog:
    """The log of one attempt at a command. A fault here is logged once, and affects neither command nor result."""

    def __init__(self, system: System, work: Work) -> None:
        self._system = system
        self._work = work
        self._waiting = WaitingOutput()
        self._handed_at = time.monotonic()
        self._under_way: Future[None] | None = None
        self._is_open = system.settings.command_lines
        self._has_failed = False

    def out(self, piece: bytes) -> None:
        """Take what the command wrote to its standard output."""
        self._take(self._waiting.out, piece)

    def error(self, piece: bytes) -> None:
        """Take what the command wrote to its standard error."""
        self._take(self._waiting.error, piece)

    def look(self) -> None:
        """Begin to store the buffered output, unless that was done within the last second or is under way."""
        now = time.monotonic()
        if not self._waiting or not self._is_open or now - self._handed_at < EVERY_SECONDS:
            return
        if self._under_way is None or self._under_way.done():
            self._handed_at = now
            self._under_way = _thread.submit(self._hand_over)

    def close(self) -> None:
        """Store the rest, and wait briefly for that: after the end of the attempt no line is accepted."""
        if self._waiting or self._under_way is not None:
            try:
                _thread.submit(self._hand_over, is_last=True).result(_LAST_SECONDS)
            except Exception as error:  # noqa: BLE001  its end is recorded all the same
                self._log_fault(error)

    def _take(self, stream: Stream, piece: bytes) -> None:
        if piece and self._is_open:
            self._waiting.put(stream, piece)

    def _hand_over(self, *, is_last: bool = False) -> None:
        batch = self._waiting.batch(is_last=is_last)
        try:
            is_stored = bool(batch.lines) and self._stored(batch)
        except DatabaseUnavailable as error:
            self._log_fault(error)
            self._waiting.put_back(batch)
        else:
            if not is_stored:
                self._waiting.lose(batch)

    def _stored(self, batch: Batch) -> bool:
        """Store a batch. Returns whether it was stored. Stops taking output if the run is another attempt's by now.

        Raises `DatabaseUnavailable`.
        """
        try:
            self._is_open = command_lines.add(self._system, self._work, batch.lines, batch.left_out)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  lines are no reason to fail an attempt
            self._log_fault(error)
            return False
        return self._is_open

    def _log_fault(self, error: Exception) -> None:
        """Log the first fault, and postpone the next attempt to store: other commands wait for the same thread."""
        if not self._has_failed:
            told = None if isinstance(error, (DatabaseUnavailable, TimeoutError)) else error
            log.warning("command_lines_not_stored", run_id=str(self._work.run_id), error=str(error), exc_info=told)
        self._has_failed = True
        self._handed_at = time.monotonic() + (_TIMES_LONGER_AFTER_A_FAULT - 1) * EVERY_SECONDS
