"""Cursors: exactly which changes a watcher has seen, even while transactions that began earlier are still open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

KEPT = timedelta(minutes=10)
"""How long changes are kept."""
_GOOD_FOR = KEPT - timedelta(minutes=1)  # the rest is for a transaction that stores its changes and then commits late
_LARGEST = 2**63 - 1
_NUMBER = "[0-9]{1,19}"
_TEXT = re.compile(
    f"([0-9a-f]{{1,32}})-([0-9]{{1,11}})-{_NUMBER}:({_NUMBER}):((?:{_NUMBER}(?:,{_NUMBER}){{0,999}})?)", re.ASCII
)


@dataclass(frozen=True)
class Snapshot:
    """Which transactions were over: those below `end`, except those that were still `open`.

    PostgreSQL's `pg_snapshot`, without the number of its oldest open transaction.
    """

    end: int
    open: tuple[int, ...] = ()

    @classmethod
    def parsed(cls, text: str) -> Snapshot:
        """Returns the snapshot that a `pg_snapshot` has as its text, `xmin:xmax:xip,xip`."""
        _, end, still_open = text.split(":")
        return cls(int(end), tuple(map(int, filter(None, still_open.split(",")))))


@dataclass(frozen=True)
class Cursor:
    """A snapshot of one installation's changes, and when it was taken."""

    epoch: str
    taken_at: datetime
    snapshot: Snapshot

    @classmethod
    def parsed(cls, text: str) -> Cursor | None:
        """Returns the cursor with this text; None if no cursor has it."""
        found = _TEXT.fullmatch(text)
        if found is None:
            return None
        epoch, seconds, end, still_open = found.groups()
        numbers = [int(end), *map(int, filter(None, still_open.split(",")))]
        if max(numbers) > _LARGEST:
            return None
        return cls(epoch, datetime.fromtimestamp(int(seconds), UTC), Snapshot(numbers[0], tuple(numbers[1:])))

    def __str__(self) -> str:
        still_open = ",".join(map(str, self.snapshot.open))
        begin = min((self.snapshot.end, *self.snapshot.open))
        return f"{self.epoch}-{int(self.taken_at.timestamp())}-{begin}:{self.snapshot.end}:{still_open}"

    def reaches(self, now: Cursor) -> bool:
        """Whether all changes from this cursor to one that was just taken are still kept."""
        is_of_the_past = self.snapshot.end <= now.snapshot.end and self.taken_at <= now.taken_at
        return self.epoch == now.epoch and is_of_the_past and now.taken_at - self.taken_at < _GOOD_FOR
