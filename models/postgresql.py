"""PostgreSQL as Carillon needs it, whatever its defaults are and whatever pooler is in between.

A connection sets no parameter that a pooler refuses or drops. Every setting that a promise depends on is in the text of
BEGIN, and is valid for that transaction only: isolation, timeouts, and the format of values.
"""

from __future__ import annotations

from typing import Any

import peewee
import psycopg2
from psycopg2 import extensions

from models import changes, connection_url, statement_timeout

READ_COMMITTED = "READ COMMITTED, READ WRITE"
ONE_MOMENT = "REPEATABLE READ, READ ONLY"
_READING_ALONE = "READ COMMITTED, READ ONLY"

TIME_OUTS = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "20s",
}
_NOT_WAITED_FOR = "SET LOCAL synchronous_commit = off"
_NOT_REPLICATED = "synchronous replication"
# Not standard_conforming_strings: psycopg2 reads it once, when it connects, and quotes accordingly.
_SPELLINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
}


class Postgresql(peewee.PostgresqlDatabase):
    """A PostgreSQL database whose BEGINs set all settings, and whose COMMITs store what was changed."""

    def __init__(self, url: str, process_name: str) -> None:
        self._address = connection_url.parse(url)
        self._places = [extensions.make_dsn(**place) for place in self._address.places(process_name)]
        super().__init__(self._address.parameters.get("dbname", ""))

    @property
    def asked_for(self) -> list[str]:
        """Returns the server's settings that DATABASE_URL sets and Carillon does not."""
        return [name for name in self._address.set_by_options if name not in map(str.lower, _SPELLINGS)]

    def begin(
        self, isolation_level: str | None = None, gate: str | None = None, asynchronous_commit: bool = False
    ) -> None:
        """Begin a transaction of this mode; the same text sets its settings, and takes the lock of a gate."""
        mode = isolation_level or READ_COMMITTED
        settings = [self._said(), _NOT_WAITED_FOR] if asynchronous_commit else [self._said()]
        super().begin("; ".join([mode, *settings, gate or ""]))

    def alone(self, text: str) -> str:
        """Returns a reading statement to be executed without BEGIN: the same text sets its settings."""
        return f"SET TRANSACTION ISOLATION LEVEL {_READING_ALONE}; {self._said()}; {text}"

    def commit(self) -> None:
        """Commit; the same text stores the row of what was changed.

        Also raises an error of the database if the wait for a synchronous standby was interrupted: the server reports
        that as a success with a warning, but a failover may still undo the commit.
        """
        text, parameters = changes.with_commit()
        cursor: Any = self.cursor
        with peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # as peewee's own has it
            executed = cursor()
            notices: list[str] = executed.connection.notices
            notices.clear()
            executed.execute(text, parameters)
            if unsure := [one for one in notices if _NOT_REPLICATED in one]:
                raise psycopg2.OperationalError(unsure[0].strip())

    def _said(self) -> str:
        ours = {name: value for name, value in TIME_OUTS.items() if name not in self._address.set_by_options}
        connect: Any = self.connection
        known = connect().info.parameter_status  # settings that the server reports to its clients
        unlike = {name: value for name, value in _SPELLINGS.items() if not (known(name) or "").startswith(value)}
        return "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in {**ours, **unlike}.items())

    def _connect(self) -> Any:
        errors: list[str] = []
        for place in self._places:
            try:
                with statement_timeout.connecting(self._address.connect_seconds):
                    connection = psycopg2.connect(place)
            except psycopg2.OperationalError as error:
                errors.append(str(error).strip())
            else:
                connection.autocommit = True
                return connection
        raise psycopg2.OperationalError("; ".join(errors))
