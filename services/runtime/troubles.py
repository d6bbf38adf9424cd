"""Troubles: lasting faults of a part of Carillon, shown by health checks and logged."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass

from services.runtime import events


@dataclass(frozen=True)
class Trouble:
    """A fault of a part, and its remedy. It is shown to anyone, so it holds no names of users or hosts.

    `fault` is its name for programs, where it has one.
    """

    part: str
    detail: str
    remedy: str
    fault: str | None = None


class Troubles:
    """The present troubles of this process. Each is logged once as it begins, and once when it is over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: dict[str, Trouble] = {}

    def begin(self, noticed_by: str, trouble: Trouble, error: object = None) -> None:
        """Note a trouble, in place of the one noted there; it is present until everyone who noticed it has ended it."""
        with self._lock:
            known = trouble in self._present.values()
            former = self._present.get(noticed_by)
            self._present[noticed_by] = trouble
            is_former_over = former is not None and former not in self._present.values()
        if former is not None and is_former_over:
            events.emit("trouble.over", part=former.part)
        if not known:
            events.emit("trouble.begun", **asdict(trouble), error=error and str(error))

    def end(self, noticed_by: str) -> None:
        """Note that the trouble is over for this part."""
        if noticed_by not in self._present:  # the usual case, which takes no lock
            return
        with self._lock:
            trouble = self._present.pop(noticed_by, None)
            is_over = trouble is not None and trouble not in self._present.values()
        if trouble is not None and is_over:
            events.emit("trouble.over", part=trouble.part)

    def of(self, noticed_by: str) -> Trouble | None:
        """Returns the trouble noted there, or None."""
        return self._present.get(noticed_by)

    def present(self) -> list[Trouble]:
        """Returns every present trouble, once each."""
        with self._lock:
            return list(dict.fromkeys(self._present.values()))
