"""Work that notices when it is interrupted, and a database that is away."""

from __future__ import annotations

import threading
from typing import Any

from core.errors import DatabaseUnavailable
from tests.waiting import LONGEST


class Interrupted:
    """Blocked work: notices when it is interrupted."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wake(self) -> None:
        self._event.set()

    def comes(self) -> bool:
        return self._event.wait(LONGEST)


def away(*_: Any) -> Any:
    raise DatabaseUnavailable("The database is away.")
