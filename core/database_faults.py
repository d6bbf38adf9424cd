"""The faults of a database that have a name: what each means and what to do, and how it is recognised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DatabaseFault(StrEnum):
    """Why the database cannot be used at present."""

    AWAY = "away"  # or any fault without another name
    RESTARTING = "restarting"
    TOO_SLOW = "too_slow"
    DISK_FULL = "disk_full"
    DISK_FAULTY = "disk_faulty"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    READ_ONLY = "read_only"


@dataclass(frozen=True)
class Advice:
    """A description of a fault for callers, and the remedy for the operator.

    `retry_after_seconds` is how long callers are asked to wait: longer if a person must fix it.
    """

    detail: str
    remedy: str
    retry_after_seconds: int = 1


_FOR_A_PERSON = 10
ADVICE = {
    DatabaseFault.AWAY: Advice("The database does not answer as it should.", "Start it, or correct DATABASE_URL."),
    DatabaseFault.RESTARTING: Advice(
        "The database is starting, stopping or recovering.", "Wait; if it takes long, read the log of its server."
    ),
    DatabaseFault.TOO_SLOW: Advice(
        "The database does not answer in time.",
        "See what its sessions wait for (pg_stat_activity), and that its server and the network are well.",
    ),
    DatabaseFault.DISK_FULL: Advice(
        "The disk of the database is full.",
        "Free or add space where the database keeps its files (PostgreSQL: data, tablespaces, pg_wal).",
        _FOR_A_PERSON,
    ),
    DatabaseFault.DISK_FAULTY: Advice(
        "The disk of the database cannot be read or written.",
        "Check the disk and its file system; the log of the server names the file.",
        _FOR_A_PERSON,
    ),
    DatabaseFault.OUT_OF_MEMORY: Advice(
        "The server of the database is out of memory.",
        "Give the server more memory, or lower work_mem or the number of connections; where its log names "
        "max_locks_per_transaction, raise that.",
    ),
    DatabaseFault.TOO_MANY_CONNECTIONS: Advice(
        "The database takes no more connections.",
        "Raise its limit (max_connections, CONNECTION LIMIT of the role or the database, or the pooler's), or run "
        "fewer threads and processes.",
    ),
    DatabaseFault.READ_ONLY: Advice(
        "The database can be read, but takes no changes.",
        "Promote the standby, or lead DATABASE_URL to the primary; with SQLite, let this user write to its folder.",
        _FOR_A_PERSON,
    ),
}

# SQLSTATEs of PostgreSQL, and SQLite's names of its result codes.
_BY_CODE = {
    "53100": DatabaseFault.DISK_FULL,
    "58030": DatabaseFault.DISK_FAULTY,
    "53200": DatabaseFault.OUT_OF_MEMORY,
    "53300": DatabaseFault.TOO_MANY_CONNECTIONS,
    "25006": DatabaseFault.READ_ONLY,
    "57P01": DatabaseFault.RESTARTING,
    "57P02": DatabaseFault.RESTARTING,
    "57P03": DatabaseFault.RESTARTING,
    "55P03": DatabaseFault.TOO_SLOW,
    "57014": DatabaseFault.TOO_SLOW,
    "SQLITE_FULL": DatabaseFault.DISK_FULL,
    "SQLITE_IOERR": DatabaseFault.DISK_FAULTY,
    "SQLITE_NOMEM": DatabaseFault.OUT_OF_MEMORY,
    "SQLITE_READONLY": DatabaseFault.READ_ONLY,
    "SQLITE_BUSY": DatabaseFault.TOO_SLOW,
}
# libpq gives no code for errors while it connects, only the message of PostgreSQL or of the pooler; and the code of a
# BEGIN that asks a standby for a read-write transaction (0A000) has other meanings, too.
_BY_WORDS = {
    "too many clients": DatabaseFault.TOO_MANY_CONNECTIONS,
    "too many connections": DatabaseFault.TOO_MANY_CONNECTIONS,
    "remaining connection slots are reserved": DatabaseFault.TOO_MANY_CONNECTIONS,
    "no more connections allowed": DatabaseFault.TOO_MANY_CONNECTIONS,
    "query_wait_timeout": DatabaseFault.TOO_MANY_CONNECTIONS,
    "the database system is": DatabaseFault.RESTARTING,
    "No space left on device": DatabaseFault.DISK_FULL,
    "out of memory": DatabaseFault.OUT_OF_MEMORY,
    "could not fork": DatabaseFault.OUT_OF_MEMORY,
    "during recovery": DatabaseFault.READ_ONLY,
    "hot standby mode": DatabaseFault.READ_ONLY,
    "session is read-only": DatabaseFault.READ_ONLY,
    "no answer from PostgreSQL": DatabaseFault.TOO_SLOW,
}


def fault_of(code: str, text: str) -> DatabaseFault:
    """Returns the fault that an error of the database means, by its code, else by its message.

    SQLite's names may be longer than those listed: SQLITE_IOERR_WRITE is a SQLITE_IOERR.
    """
    general = "_".join(code.split("_")[:2])
    if known := _BY_CODE.get(code) or _BY_CODE.get(general):
        return known
    return next((fault for words, fault in _BY_WORDS.items() if words in text), DatabaseFault.AWAY)
