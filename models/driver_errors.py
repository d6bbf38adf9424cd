"""What the errors of the drivers of PostgreSQL and SQLite say: whether the database is away, and why."""

from __future__ import annotations

import peewee

from core.database_faults import DatabaseFault, fault_of
from models import statement_timeout

# The unsupported operation is a write to a standby, which was the primary until a moment ago.
AWAY = (peewee.OperationalError, peewee.InterfaceError, peewee.InternalError, peewee.NotSupportedError)
_TOO_MUCH = "54"  # PostgreSQL's class of errors for values beyond its limits: permanent, caused by the values
_LOCK_TIMEOUT = "55P03"
_WAITED = (_LOCK_TIMEOUT, "57014")  # a lock was not available in time, and a statement took too long


def is_of_the_values(error: Exception) -> bool:
    """Whether the database is available, and only refuses the given values."""
    return _code(error).startswith(_TOO_MUCH)


def has_waited(error: Exception) -> bool:
    """Whether the time limit of a wait for the database was reached."""
    return _code(error) in _WAITED or isinstance(getattr(error, "orig", None), statement_timeout.NoAnswer)


def is_lock_timeout(error: BaseException) -> bool:
    """Whether another transaction kept a lock for longer than this one waits."""
    return _code(error) == _LOCK_TIMEOUT


def fault(error: BaseException) -> DatabaseFault:
    """Returns the fault of the database that an error reports."""
    orig = getattr(error, "orig", None)
    return fault_of(_code(error) or getattr(orig, "sqlite_errorname", None) or "", str(error))


def first(error: BaseException) -> BaseException:
    """Returns the first of errors that followed one another: a rollback that failed because of it would hide it."""
    found, earlier = error, error.__context__
    while earlier is not None:
        found = earlier if isinstance(earlier, AWAY) else found
        earlier = earlier.__context__
    return found


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message; the name of its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _code(error: BaseException) -> str:
    """Returns PostgreSQL's code of an error; an empty text for any other."""
    return str(getattr(getattr(error, "orig", None), "pgcode", None) or "")
