"""Hand back the runs of claims whose commit was not confirmed: the database may have started them for nobody.

Such a claim reached its commit, but the database broke off before it answered. No thread was given its runs. If the
commit took effect, now or a moment later, they are running under tokens that only this claim made, and by these they
are found and released: nothing is counted against them, and another claim takes them. The fence alone would not tell
them from the same runs claimed again, if the commit did not take effect.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import structlog

from core.errors import AbortReason, DatabaseUnavailable
from core.states import RunStatus
from core.token_hashes import hashed
from models import claims, database
from services.execution import careful_recording, recording
from services.execution.recording import NotRecorded, RecordResult
from services.execution.work import Stopped, Work
from services.messaging.doorbell import Ring
from services.scheduling.run_endings import RunOutcome
from services.system import System
from services.task_types import registry

LOOK_SECONDS = 1.0
_TOGETHER = 100
_UNCONFIRMED = Stopped(AbortReason.NOT_CONFIRMED)
log = structlog.get_logger()


class UnconfirmedClaims:
    """The unconfirmed claims of one process. A thread of its own looks for their runs for as long as their lease."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._lock = threading.Lock()
        self._works: list[Work] = []
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def add(self, works: Sequence[Work]) -> None:
        """Look for these runs from now on: of an unconfirmed claim, or claimed without reaching a thread.

        Raises nothing at the limit of threads: the next ones to be added, or the end, begin the look then.
        """
        if not works:
            return
        with self._lock:
            self._works += works
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="unconfirmed-claims", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    log.exception("unconfirmed_claims_not_begun")
                else:
                    self._thread = thread

    def stop(self) -> None:
        """Look a last time; runs that show only later wait for the end of their lease."""
        self._stopped.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()
        if self._works:
            self._look()

    def _run(self) -> None:
        while not self._is_done():
            self._look()
            self._stopped.wait(LOOK_SECONDS)
        database.disconnect()

    def _is_done(self) -> bool:
        with self._lock:
            if self._works and not self._stopped.is_set():
                return False
            self._thread = None  # the next claim that is added begins another
            return True

    def _look(self) -> None:
        """Hand back the runs that show, and forget those whose lease has passed without their showing."""
        with self._lock:
            works = list(self._works)
        began = self._system.clock.monotonic()
        try:
            self._forget(self._handed_back(works))
        except DatabaseUnavailable:
            return  # away still
        except Exception:
            log.exception("unconfirmed_claims_not_found")
        self._forget([work for work in works if work.claimed_monotonic + self._system.settings.lease_seconds < began])

    def _handed_back(self, works: Sequence[Work]) -> list[Work]:
        """Release those of these runs that show. Returns those that are done with."""
        done: list[Work] = []
        for first in range(0, len(works), _TOGETHER):
            chunk = works[first : first + _TOGETHER]
            with database.reading():
                running = claims.token_hashes({work.run_id for work in chunk})
            started = [work for work in chunk if hashed(work.report_token) in running]
            done += self._released(started) if started else []
        return done

    def _released(self, works: Sequence[Work]) -> list[Work]:
        """Release these runs, and ring for them. Returns those that are done with: others have locked the rest."""
        recorded = zip(works, self._recorded(works), strict=True)
        done = [(work, one) for work, one in recorded if one is not NotRecorded.LOCKED]
        for work, _ in done:
            log.warning("claim_was_in_doubt", run_id=str(work.run_id), attempt=work.attempt)
        queued = [work for work, one in done if isinstance(one, RunOutcome) and one.status is RunStatus.QUEUED]
        self._system.doorbell.ring([Ring(work.run_id, registry.queue_of(work.task_type)) for work in queued])
        return [work for work, _ in done]

    def _recorded(self, works: Sequence[Work]) -> list[RecordResult]:
        """Record that these attempts never began: all at once, without waiting for locks, or else each by itself."""
        try:
            return recording.record_what_is_free(self._system, [(work, _UNCONFIRMED) for work in works])
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("unconfirmed_claims_not_handed_back")
        return [self._recorded_alone(work) for work in works]

    def _recorded_alone(self, work: Work) -> RecordResult:
        if self._stopped.is_set():  # it may wait for a lock, and the process is to end
            return NotRecorded.LOCKED
        try:
            [recorded] = careful_recording.record(self._system, [(work, _UNCONFIRMED)])
        except DatabaseUnavailable:
            return NotRecorded.LOCKED
        return recorded

    def _forget(self, works: Sequence[Work]) -> None:
        gone = {work.report_token for work in works}
        with self._lock:
            self._works = [work for work in self._works if work.report_token not in gone]
