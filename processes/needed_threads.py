"""How many threads runs need now and in the coming minutes, as the autoscaler knows it from the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from core.errors import DatabaseUnavailable
from models import database
from services.runtime.database_troubles import trouble_of
from services.runtime.troubles import Trouble, Troubles

READ_EVERY_SECONDS = 10.0
_YOUNG_SECONDS = 60.0
_NOTICED_BY = "needed threads"
_MEANWHILE = "Meanwhile the length of the queues alone decides how many workers there are."
_REMEDY = "Run `carillon migrate`, or start a coordinator, which makes the tables. It is tried again each ten seconds."


class NeededThreads:
    """Reads the number at intervals, on a thread of its own: a database that does not answer delays nothing else.

    That it cannot be read is logged once while it lasts. A minute later, and before the first reading, it is unknown.
    """

    def __init__(
        self,
        by_queue: Callable[[], Mapping[str, float]],
        troubles: Troubles,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._by_queue = by_queue
        self._troubles = troubles
        self._monotonic = monotonic
        self._known: list[tuple[float, float]] = []  # when each was read, and the number

    def start(self, stopping: threading.Event) -> None:
        """Read it again and again until the event is set."""
        threading.Thread(target=self._run, args=(stopping,), name="needed-threads", daemon=True).start()

    def latest(self) -> float | None:
        """Returns the highest number of the last minute, of all queues together; None if it is unknown.

        So the workers for a burst stay while its runs have just become due, and those of short runs that come and go.
        """
        return max((number for read_at, number in self._known if self._is_young(read_at)), default=None)

    def read(self) -> None:
        """Read it once."""
        try:
            number = sum(self._by_queue().values())
            young = [one for one in self._known if self._is_young(one[0])]
            self._known = [*young, (self._monotonic(), number)]
        except Exception as error:  # noqa: BLE001  for example, the tables are not made yet: the queues are enough
            self._troubles.begin(_NOTICED_BY, _trouble(error), error)
        else:
            self._troubles.end(_NOTICED_BY)
        finally:
            database.disconnect()  # connections are few, and this one would be idle

    def _is_young(self, read_at: float) -> bool:
        return self._monotonic() - read_at <= _YOUNG_SECONDS

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            self.read()
            stopping.wait(READ_EVERY_SECONDS)


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, DatabaseUnavailable):
        known = trouble_of(error.fault)
        return replace(known, detail=f"{known.detail} {_MEANWHILE}")
    return Trouble(
        "threads", f"The runs that need threads cannot be read: {type(error).__name__}. {_MEANWHILE}", _REMEDY
    )
