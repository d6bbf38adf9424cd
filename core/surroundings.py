"""The requirements on a database, and the remedy where one is not met."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

UTF8 = "UTF8"

# Messages of a server or a pooler that refuses what DATABASE_URL asks for: a retry would not help.
_LASTING = (
    "unsupported startup parameter",
    "unrecognized configuration parameter",
    "invalid value for parameter",
    "invalid command-line argument",
    "transaction blocks not allowed in statement pooling mode",
    "SSL was required",
    "certificate",
    "channel binding",
    "GSSAPI",
    "authentication method",
)


@dataclass(frozen=True)
class Surroundings:
    """The facts about a database: its properties, our role and its rights."""

    database: str
    role: str
    search_path: str
    schema: str | None
    encoding: str
    is_standby: bool
    may_create: bool
    lost_options: tuple[str, ...] = ()

    def faults(self) -> Iterator[str]:
        """Returns why the database cannot be used, one line per reason."""
        if self.is_standby:
            yield (
                f"DATABASE_URL leads to a standby, which cannot be written to (database {self.database}); name the "
                "primary, or several hosts with target_session_attrs=read-write."
            )
        if self.encoding != UTF8:
            yield (
                f"DATABASE_URL: the database {self.database} has the encoding {self.encoding}, which cannot hold every "
                f"text; make one with CREATE DATABASE name ENCODING '{UTF8}' TEMPLATE template0."
            )
        if self.lost_options:
            yield (
                f"DATABASE_URL sets {', '.join(self.lost_options)} by options, and something between here and the "
                "server drops them, as PgBouncer does with ignore_startup_parameters; leave options out. A search path "
                f"can be set by ALTER ROLE {self.role} SET search_path = ... there."
            )
        if self.schema is None:
            yield (
                f"DATABASE_URL: search_path={self.search_path} names no schema of the database {self.database} that "
                f"the role {self.role} may use; CREATE SCHEMA, or GRANT USAGE, CREATE ON SCHEMA ... TO {self.role}, or "
                "name another by options=-csearch_path%3DNAME."
            )

    def faults_for_migrating(self) -> Iterator[str]:
        """Returns why tables cannot be created, one line per reason."""
        if self.schema is not None and not self.may_create:
            yield (
                f"DATABASE_URL: the role {self.role} may not make tables in the schema {self.schema} of the database "
                f"{self.database}; run GRANT USAGE, CREATE ON SCHEMA {self.schema} TO {self.role} there, or "
                "`carillon migrate` as a role that may."
            )


def missing_rights(role: str, tables: list[str]) -> str:
    """Returns the line for existing tables that our role may not use."""
    return (
        f"DATABASE_URL: the role {role} may not read and write {', '.join(tables)}; run GRANT SELECT, INSERT, UPDATE, "
        f"DELETE ON ALL TABLES IN SCHEMA ... TO {role} there."
    )


def lasting_fault(text: str) -> str | None:
    """Returns the line for an error that will not go away by itself, or None if waiting may help."""
    if not any(words in text for words in _LASTING):
        return None
    return f"DATABASE_URL asks for something that the server refuses: {text}; change its parameters, or the server."
