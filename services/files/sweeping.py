"""The spool's sweeper: each host that receives files removes those that are needed no more."""

from __future__ import annotations

import threading

import structlog

from core.errors import Unavailable
from services.files import uploads
from services.system import System

SWEEP_SECONDS = 5.0
_STOP_SECONDS = 1.0
log = structlog.get_logger()


class Sweeper:
    """Sweeps on a thread of its own until it is stopped."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        """Begin: at once, because a process may have died here before."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the sweep under way, then end."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                uploads.sweep(self._system)
            except Unavailable as error:
                log.warning("sweep_waits", error=str(error))
            except Exception:  # a fault in one sweep must not let the disk fill up
                log.exception("sweep_fault")
            self._stopping.wait(SWEEP_SECONDS)
