"""The faults of the database that this process meets, shown by their names until they are over."""

from __future__ import annotations

from collections.abc import Iterable

from core.database_faults import ADVICE, DatabaseFault
from core.errors import DatabaseUnavailable
from services.runtime.troubles import Trouble, Troubles

DATABASE = "database"
_AFTERWARDS = "Nothing is lost: work goes on by itself afterwards."
_OF_ONE_CALL = frozenset({DatabaseFault.AWAY, DatabaseFault.TOO_SLOW})  # a dropped connection, a lock: nothing lasting
_MET = "met"


def trouble_of(fault: DatabaseFault) -> Trouble:
    """Returns the trouble that a fault of the database is."""
    advice = ADVICE[fault]
    return Trouble(DATABASE, advice.detail, f"{advice.remedy} {_AFTERWARDS}", fault.value)


def names_of(troubles: Iterable[Trouble]) -> list[str]:
    """Returns the names of the faults of the database among these troubles."""
    return [one.fault for one in troubles if one.part == DATABASE and one.fault is not None]


class MetFaults:
    """Faults that calls here and there meet, such as a full disk, while others get through.

    A fault is over when none was met between two looks that found the database at work.
    """

    def __init__(self, troubles: Troubles) -> None:
        self._troubles = troubles
        self._is_met_since_look = False

    def meet(self, error: DatabaseUnavailable) -> None:
        """Note the fault that a call has met, unless it may be of that call alone."""
        if error.fault not in _OF_ONE_CALL:
            self._is_met_since_look = True
            self._troubles.begin(_MET, trouble_of(error.fault), error)

    def look(self) -> None:
        """Note that the database has just been found at work."""
        if not self._is_met_since_look:
            self._troubles.end(_MET)
        self._is_met_since_look = False


troubles = Troubles()  # of this process: all its threads meet the same database
met = MetFaults(troubles)
