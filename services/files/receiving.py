"""Files that are being received: more than may wait in the spools is refused as it comes, not once it is all there.

Those under way are counted in one process's memory; `uploads.accept` asks the database once more.
"""

from __future__ import annotations

import threading
from collections import Counter
from uuid import UUID

from core.principals import Principal
from services.files import uploads
from services.files.spool import Incoming
from services.system import System


class Receptions:
    """The files that one process receives at this moment."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._under_way: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    def begin(self, principal: Principal, *, may_be_sent_again: bool = False) -> Reception:
        """Begin to receive a file. Raises `DiskUnavailable`.

        A request with an Idempotency-Key may exceed the bound: the file must be read to see whether it is a repetition.
        """
        owner_id = principal.user_id
        waiting = 0 if owner_id is None else uploads.waiting_of(owner_id)
        spare = self._system.settings.max_upload_bytes if may_be_sent_again else 0
        return Reception(self, uploads.incoming(self._system), principal.caller_id, waiting, spare)

    def take(self, caller_id: UUID, waiting: int, size: int, spare: int) -> None:
        """Count bytes of a caller's that have come. Raises `Forbidden` where more than may wait would be there."""
        with self._lock:
            uploads.refuse_too_much(self._system, waiting + self._under_way[caller_id], size, spare)
            self._under_way[caller_id] += size

    def give_back(self, caller_id: UUID, size: int) -> None:
        """Count bytes no more: their file is left to its job, or dropped."""
        with self._lock:
            self._under_way[caller_id] -= size
            if not self._under_way[caller_id]:
                del self._under_way[caller_id]


class Reception:
    """One file that is received. Bounded are all waiting files of a user, and those of a key that come at one time."""

    def __init__(
        self, receptions: Receptions, file: Incoming, caller_id: UUID | None, waiting: int, spare: int
    ) -> None:
        self.file = file
        self._receptions = receptions
        self._caller_id = caller_id
        self._waiting = waiting
        self._spare = spare
        self._counted = 0

    def write(self, piece: bytes) -> None:
        """Take the next piece. Raises `DiskUnavailable`, and `Forbidden` where too much would wait."""
        if self._caller_id is not None:
            self._receptions.take(self._caller_id, self._waiting, len(piece), self._spare)
            self._counted += len(piece)
        self.file.write(piece)

    def end(self) -> None:
        """Remove the file, if it has not been left to a job."""
        self.file.drop()
        if self._caller_id is not None:
            self._receptions.give_back(self._caller_id, self._counted)
            self._counted = 0
