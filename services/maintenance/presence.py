"""Presence: each process reports that it is alive, its version, and since when.

Workers do so with their leases, and periodic, which has no database, with its beats.
"""

from __future__ import annotations

import threading

import structlog

from core.errors import Unavailable
from core.processes import ProcessKind
from models import database, processes
from models.pauses import Gate
from services.runtime import this_process
from services.system import System

_STOP_SECONDS = 1.0
log = structlog.get_logger()


class Presence:
    """Reports that this process is alive: at once, then every few seconds on a thread of its own, until it ends."""

    def __init__(self, system: System, kind: ProcessKind) -> None:
        self._system = system
        self._identity = this_process.identity(kind, system.clock.now())
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)

    def start(self) -> None:
        """Begin to report that this process is alive."""
        self._thread.start()

    def stop(self) -> None:
        """Report that this process has stopped."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while True:
            self._report_alive()
            if self._stopping.wait(self._system.settings.heartbeat_seconds):
                break
        self._report_stopped()
        database.disconnect()

    def _report_alive(self) -> None:
        try:
            with self._system.transaction(Gate.UNUSED, asynchronous_commit=True) as unit:
                processes.see(self._identity, unit.now)
        except Unavailable:
            return  # others say so
        except Exception:  # it is tried again
            log.exception("presence_fault")

    def _report_stopped(self) -> None:
        try:
            with self._system.transaction(Gate.UNUSED) as unit:
                processes.stop(self._identity.id, unit.now)
        except Unavailable as error:
            log.warning("sign_off_failed", error=str(error))
