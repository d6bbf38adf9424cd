"""The prune loop: takes a pass, rests, and says when the archive keeps it from its work."""

from __future__ import annotations

from core.errors import StorageUnavailable
from services.maintenance.pruning import Pruning
from services.runtime.troubles import Trouble, Troubles
from services.system import System

_BETWEEN_SWEEPS_SECONDS = 3600.0
_BETWEEN_PASSES_SECONDS = 0.01  # so that what is claimed meanwhile has its turn
_FIRST_REST_SECONDS = 5.0
_LONGEST_REST_SECONDS = 600.0
ARCHIVE_AWAY = Trouble(
    "archive",
    "History cannot be stored in the archive, so no run is deleted.",
    "See that the bucket is there and takes objects (the AWS_ settings), or DATA_DIR/files has room. The log of the "
    "coordinator says why. It tries again by itself.",
)


class PruneLoop:
    """Sweeps once an hour; while the archive is away again and again, with growing rests."""

    def __init__(self, system: System) -> None:
        self._pruning = Pruning(system)
        self._troubles = Troubles()
        self._rest_seconds = _FIRST_REST_SECONDS

    def turn(self) -> float:
        """Take one pass; returns the seconds to rest: between passes a moment, after the last long."""
        try:
            goes_on = self._pruning.turn()
        except StorageUnavailable as error:
            self._troubles.begin("prune", ARCHIVE_AWAY, error)
            return self._growing_rest()
        if goes_on:
            return _BETWEEN_PASSES_SECONDS
        self._troubles.end("prune")
        self._rest_seconds = _FIRST_REST_SECONDS
        return _BETWEEN_SWEEPS_SECONDS

    def troubles(self) -> list[Trouble]:
        """Returns the trouble that the archive is unavailable, from the first sweep that failed until one succeeds."""
        return self._troubles.present()

    def _growing_rest(self) -> float:
        rest = self._rest_seconds
        self._rest_seconds = min(2 * rest, _LONGEST_REST_SECONDS)
        return rest
