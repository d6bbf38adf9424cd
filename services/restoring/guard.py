"""The guard: finds out that the database was taken back to an earlier state, and then holds all that is due.

A run that a backup shows as waiting has most likely run since. So nothing starts until an administrator has released
it (`services.restoring.releasing`).
"""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog

from core.errors import DatabaseUnavailable, Unavailable
from core.restoring import was_taken_back
from models import database, installation
from models.installation import InstallationState
from models.pauses import Gate
from services.restoring import holding, mark_file
from services.runtime import database_troubles
from services.runtime.troubles import Trouble
from services.system import System

LOOK_SECONDS = 5.0
HELD = Trouble(
    "restore",
    "The database was taken back to an earlier state; runs that may have run before are held.",
    "See `carillon restore show`, and release them: `carillon restore release`.",
)
_MARK_SECONDS = timedelta(seconds=LOOK_SECONDS)
_STOP_SECONDS = 1.0
log = structlog.get_logger()


class Guard:
    """Looks at once, then every few seconds on a thread of its own, until it is stopped."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="guard", daemon=True)
        self._seen: tuple[str, int] | None = None
        self._keeps_file = True
        self._is_held = False

    def start(self) -> None:
        """Look before anything can run, then go on looking. Raises `DatabaseUnavailable`."""
        self.look()
        self._thread.start()

    def stop(self) -> None:
        """End after the look under way."""
        self._stopping.set()
        self._thread.join(_STOP_SECONDS)

    def troubles(self) -> list[Trouble]:
        """Returns the trouble that runs are held, while any are."""
        return [HELD] if self._is_held else []

    def look(self) -> None:
        """Compare the database with what this host has seen of it; hold everything if it was taken back."""
        with database.reading():
            found = installation.state()
        is_behind = was_taken_back(found.database, self._last_seen(found))
        found = self._close() if is_behind else self._counted()
        if found.is_holding:
            holding.go_on(self._system)
        self._is_held = found.restored_at is not None
        self._keep(found)

    def _last_seen(self, found: InstallationState) -> int | None:
        """Returns the last mark of this installation that this process, or another one of this host, has seen."""
        kept = mark_file.read(self._system.settings, found.identity)
        known = [] if self._seen is None or self._seen[0] != found.identity else [self._seen[1]]
        return max([*known, *([] if kept is None else [kept])], default=None)

    def _counted(self) -> InstallationState:
        with self._system.transaction(Gate.UNUSED) as unit:
            installation.count_mark(unit.now, unit.now - _MARK_SECONDS)
            found = installation.state()
            if found.database.counted_in is None:
                installation.set_home(found.database.place)
        return found

    def _close(self) -> InstallationState:
        """Hold everything, unless another process has found the same and done so."""
        with self._system.transaction(Gate.CLOSED) as unit:
            found = installation.lock()
            seen = self._last_seen(found)
            if was_taken_back(found.database, seen):
                held = holding.begin(found, seen, unit.now)
                log.error("database_was_taken_back", to=str(found.marked_at), held=held, remedy=HELD.remedy)
            return installation.state()

    def _keep(self, found: InstallationState) -> None:
        self._seen = (found.identity, found.database.mark)
        keeps_file = mark_file.write(self._system.settings, *self._seen)
        if self._keeps_file and not keeps_file:
            log.warning(
                "mark_not_kept",
                detail="a restore of the database is noticed here only while this process runs",
                remedy="Give the process write permission on DATA_DIR.",
            )
        self._keeps_file = keeps_file

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                self.look()
                database_troubles.met.look()
            except DatabaseUnavailable as error:
                database_troubles.met.meet(error)
            except Unavailable:
                continue  # others say so
            except Exception:  # one look that fails must not be the last
                log.exception("guard_fault")
