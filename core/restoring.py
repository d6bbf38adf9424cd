"""Decide whether a database was taken back to an earlier state: restored from a backup, or copied.

An installation counts a mark upwards in its database, and each process stores the last one that it has seen in a file
on its host. A database that is behind that file was taken back. A database in another place than the one in which the
mark was last counted may have been taken back, too: restored elsewhere, where no file says how far it had come.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

UNKNOWN_SERVER = "server unknown"
_BETWEEN = ", "


@dataclass(frozen=True)
class MarkedDatabase:
    """A database: the last mark that was counted in it, the place in which that was, and the place in which it is."""

    mark: int
    counted_in: str | None  # None: never counted
    place: str


def was_taken_back(found: MarkedDatabase, seen: int | None) -> bool:
    """Whether a database was taken back, given the last mark that this host has seen, if any."""
    if seen is not None and seen > found.mark:
        return True
    return found.counted_in is not None and not _may_be_one(found.counted_in, found.place)


def place_in(server: object, database_id: object) -> str:
    """Returns the place of a database in a server; None is the server of a role that may not ask for it."""
    of_server = UNKNOWN_SERVER if server is None else f"server {server}"
    return f"{of_server}{_BETWEEN}database {database_id}"


def _may_be_one(one: str, other: str) -> bool:
    """Whether two places may be the same: an unknown server may be any server."""
    parts = zip_longest(one.split(_BETWEEN), other.split(_BETWEEN))
    return all(part == counterpart or UNKNOWN_SERVER in (part, counterpart) for part, counterpart in parts)


def next_mark(found: MarkedDatabase, seen: int | None) -> int:
    """Returns the mark with which a database that was taken back continues: higher than any known mark."""
    return max(found.mark, seen or 0) + 1
