"""Errors that Carillon raises on purpose, in one tree.

    CarillonError
    |- InvalidInput        the caller's values break a rule; names every field
    |  `- KeyReused            the Idempotency-Key came with another request before
    |- Forbidden           the caller may not do this
    |- NotAuthenticated    the token or session that the caller showed opens nothing any more
    |- WrongToken          a report's token does not belong to the run
    |- NotFound            there is no such thing (or none that the caller may see)
    |- Misconfigured       the settings, or what they name, cannot be used; one line for each fault
    |  `- ConfigurationError   in `settings`: found when the settings are read
    |- Conflict            the thing is in a state that forbids the action
    |  `- NotFailed            only what has failed can be retried
    |- PreconditionFailed  the thing is no longer as the caller saw it
    |- TooMany             too many requests or attempts; waiting helps
    |- Unavailable         a server that Carillon needs is unavailable; a retry may succeed
    |  |- DatabaseUnavailable
    |  |  `- LockTimeout         another transaction has kept a lock for longer than this one waits
    |  |- BrokerUnavailable
    |  |- ProviderUnavailable  the identity provider
    |  |- StorageUnavailable   the bucket, or the folder in its place
    |  `- DiskUnavailable      it is full, or faulty
    |- AttemptError        a handler's work did not succeed
    |  |- TransientFailure     worth trying again
    |  `- PermanentFailure     trying again cannot help
    |- Aborted             the work was stopped from outside
    |- AttemptFailed       in `actors.middleware`: an attempt did not succeed, and its consequences are committed
    `- InvalidCron         in `core.schedules.cron_fields`: a cron expression breaks a rule

Errors that never leave their module or process derive from Python's own classes, such as `ProgramError` of
`processes.programs`.

Messages name the wrong value, the rule and the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.database_faults import DatabaseFault


class CarillonError(Exception):
    """The root of the tree."""


@dataclass(frozen=True)
class FieldError:
    """One wrong field: its path (`schedule.expression`) and what is wrong with it."""

    field: str
    message: str


class InvalidInput(CarillonError):  # noqa: N818  the tree's names say what happened
    """The caller's values break a rule; `fields` names each of them."""

    def __init__(self, *fields: FieldError) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in fields))
        self.fields = fields

    @classmethod
    def at(cls, field: str, message: str) -> InvalidInput:
        return cls(FieldError(field, message))


class KeyReused(InvalidInput):
    """An Idempotency-Key came with another request before."""

    def __init__(self, key: str) -> None:
        super().__init__(
            FieldError(
                "Idempotency-Key",
                f"is {key!r}, which came with another request before; send that request unchanged, or take a new key.",
            )
        )


class Forbidden(CarillonError):  # noqa: N818
    """The caller may not do this; the message says what would allow it, `field` names the member if it is about one."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message if field is None else f"{field} {message}")
        self.fields = () if field is None else (FieldError(field, message),)


class NotAuthenticated(CarillonError):  # noqa: N818
    """The token or session of a request was ended while the request waited."""

    def __init__(self) -> None:
        super().__init__("The token or session has been ended meanwhile. Log in again with POST /api/login/.")


class WrongToken(CarillonError):  # noqa: N818
    """A report's token does not belong to the run, or there is no such run."""

    def __init__(self) -> None:
        super().__init__(
            "The header X-Carillon-Report-Token is missing or wrong. Send the one that came with the callback, to the "
            "address that came with it."
        )


class NotFound(CarillonError):  # noqa: N818
    """There is no such thing, or none that the caller may see."""

    def __init__(self, noun: str, key: object) -> None:
        super().__init__(f"There is no {noun} {key}.")
        self.noun = noun
        self.key = str(key)


class Misconfigured(CarillonError):  # noqa: N818
    """The settings, or what they name, cannot be used; each line says what to change."""


class Conflict(CarillonError):  # noqa: N818
    """The thing is in a state that forbids the action."""


class NotFailed(Conflict):
    """The job does not show `failed`, so there is nothing to retry."""

    def __init__(self) -> None:
        super().__init__("Only failed jobs can be retried.")


class PreconditionFailed(CarillonError):  # noqa: N818
    """The thing is no longer in the version that the caller asked to change."""


class TooMany(CarillonError):  # noqa: N818
    """Too many requests or attempts; allowed again after `seconds`."""

    def __init__(self, seconds: int, reason: str = "This was tried too often.") -> None:
        super().__init__(f"{reason} Wait {seconds} s, then try again.")
        self.seconds = seconds


class Unavailable(CarillonError):  # noqa: N818
    """A server that Carillon needs is unavailable; a retry may succeed."""


class DatabaseUnavailable(Unavailable):
    """The database is away, overloaded or shutting down. The outcome of a commit may be unknown."""

    def __init__(self, message: str, fault: DatabaseFault = DatabaseFault.AWAY) -> None:
        super().__init__(message)
        self.fault = fault


class LockTimeout(DatabaseUnavailable):
    """Another transaction has kept a lock for longer than this one waits; the database itself is well."""


class BrokerUnavailable(Unavailable):
    """The message broker is away. Nothing is lost: the database holds the work."""


class ProviderUnavailable(Unavailable):
    """The identity provider cannot be reached, or its answer cannot be used. The log says why."""

    def __init__(self) -> None:
        super().__init__(
            "The identity provider cannot be asked at present. Try again in a moment, or ask who runs this."
        )


class StorageUnavailable(Unavailable):
    """The bucket, or the folder in its place, cannot be written or read."""


class DiskUnavailable(Unavailable):
    """The disk is full or faulty: nothing was kept."""


class AttemptError(CarillonError):
    """A handler's work did not succeed. `status_code` is the answer's, if there was one.

    `was_called` is False if it failed before the receiver was called, and so says nothing about the receiver.
    """

    permanent = False

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        retry_after_seconds: float | None = None,
        was_called: bool = True,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.retry_after_seconds = retry_after_seconds
        self.was_called = was_called


class TransientFailure(AttemptError):  # noqa: N818
    """The attempt failed for a reason that may pass: worth trying again."""


class PermanentFailure(AttemptError):  # noqa: N818
    """The attempt failed for a reason that another attempt cannot fix."""

    permanent = True


class AbortReason(StrEnum):
    """Why an attempt was stopped from outside."""

    CANCELLED = "cancelled"
    TIME_LIMIT = "time_limit"
    LEASE_LOST = "lease_lost"
    SHUTDOWN = "shutdown"
    CONNECTION_CLOSED = "connection_closed"  # by the receiver, which closed a kept connection without an answer
    NOT_CONFIRMED = "not_confirmed"  # by the database, which was to say that the run is claimed


class Aborted(CarillonError):  # noqa: N818
    """The work was stopped from outside; `reason` says why."""

    def __init__(self, reason: AbortReason) -> None:
        super().__init__(f"The attempt was stopped: {reason.value}.")
        self.reason = reason
