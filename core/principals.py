"""Principals: the caller of each request, authenticated once, and what they may do with which jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from core import names
from core.errors import Forbidden
from core.instants import shown
from core.scopes import ALL_SCOPES, Role, Scope
from core.trace_context import TraceContext

ANONYMOUS = "anonymous"
"""Account and user of a job that no user asked for."""


class PrincipalKind(StrEnum):
    """How a principal is authenticated."""

    LOCAL = "local"  # anyone on this machine, where no secret is set
    OPERATOR = "operator"  # shows the server's secret
    USER = "user"  # shows a token or a session
    KEY = "key"  # shows the key of an app
    RECEIVER = "receiver"  # shows a token for one run or one file, which the resource checks
    VISITOR = "visitor"  # shows nothing, at a path that is open to all
    SYSTEM = "system"  # Carillon itself, in the audit log


NAMELESS: dict[str, str] = {
    PrincipalKind.LOCAL: "somebody on this machine",
    PrincipalKind.OPERATOR: "an operator",
    PrincipalKind.SYSTEM: "Carillon",
}
"""What those are called who have no name."""

KEY_MARK = "crl_"
"""How each key of an app begins, by which it is called."""
_RESERVED_NAMES = {
    ANONYMOUS,
    PrincipalKind.RECEIVER.value,
    PrincipalKind.VISITOR.value,
    *NAMELESS,
    *map(names.folded, NAMELESS.values()),
}

_TRUSTED = (PrincipalKind.LOCAL, PrincipalKind.OPERATOR)


def is_reserved(name: str) -> bool:
    """Whether a user may not have this name, since callers without one, or keys, are called by it."""
    key = names.folded(name)
    return key in _RESERVED_NAMES or key.startswith(KEY_MARK)


@dataclass(frozen=True)
class Membership:
    """A principal's role in an app."""

    app_id: UUID
    app_name: str
    role: Role


@dataclass(frozen=True)
class VisibleJobs:
    """The jobs of an owner and those of some apps; if an account is given, only that account's jobs of these apps.

    This is the only condition that separates tenants: applied here for one job, in SQL for many.
    """

    owner_id: UUID | None = None
    app_ids: frozenset[UUID] = frozenset()
    account_id: str | None = None

    def include(self, owner_id: UUID | None, app_id: UUID, account_id: str) -> bool:
        """Whether a job with this owner, app and account is one of them."""
        is_own = owner_id is not None and owner_id == self.owner_id
        return (is_own or app_id in self.app_ids) and self.account_id in (None, account_id)


@dataclass(frozen=True)
class Principal:
    """The caller: a user, a key of an app, or a caller without an account, who owns nothing.

    A key counts as an owner of its app, restricted to its scopes, and to one account if it is bound to one.
    """

    kind: PrincipalKind
    user_id: UUID | None = None
    name: str = ANONYMOUS
    is_admin: bool = False
    memberships: tuple[Membership, ...] = ()
    scopes: frozenset[Scope] = ALL_SCOPES
    key_id: UUID | None = None
    maker_id: UUID | None = None  # of a key: the user who made it, where that is known
    account_id: str | None = None
    app_requests_per_minute: int | None = None  # of all keys of a key's app together; None: unlimited
    expires_at: datetime | None = None  # of a key or a user's named token; None for a login, which proves who they are
    credential: str = "none"  # what they show: token, session, secret, or how a key begins
    address: str | None = None
    request_id: str | None = None
    trace: TraceContext | None = None  # that their request belongs to

    @property
    def is_trusted(self) -> bool:
        """Whether they may do whatever the installation allows: the operator, or a local caller without a secret."""
        return self.kind in _TRUSTED

    @property
    def sees_all(self) -> bool:
        """Whether the jobs of every app and every user are visible to them."""
        return self.is_trusted or self.is_admin

    @property
    def opens_accounts(self) -> bool:
        """Whether they may make links to others' passwords: administrators with all scopes, and without an end."""
        return self.sees_all and self.scopes >= ALL_SCOPES and self.expires_at is None

    @property
    def label(self) -> str:
        """Returns a name to show: a user's name, or the beginning of a key; else the kind of principal."""
        return self.name if self.caller_id is not None else self.kind.value

    @property
    def caller_id(self) -> UUID | None:
        """Returns the id of this caller: that of the user or the key; None for callers without an account."""
        return self.user_id or self.key_id

    @property
    def person_id(self) -> UUID | None:
        """Returns who answers for this caller: the user, also for keys that they made; else the key."""
        return self.user_id or self.maker_id or self.key_id

    @property
    def shares(self) -> frozenset[UUID]:
        """Returns in whose shares of a process this caller counts: the user's; of a key, also its own and its app's."""
        of_app = {one.app_id for one in self.memberships} if self.key_id is not None else set()
        return frozenset(one for one in (self.caller_id, self.person_id, *of_app) if one is not None)

    def visible_jobs(self, scope: Scope = Scope.READ) -> VisibleJobs | None:
        """Returns the jobs on which they have this scope, None for all. Raises `Forbidden` if they have it nowhere."""
        self.expect_scope(scope)
        return None if self.sees_all else self._jobs(scope)

    @property
    def seen_jobs(self) -> VisibleJobs | None:
        """Returns the jobs that exist for them, None for all. Raises `Forbidden` if none ever does."""
        return None if self.sees_all else self._jobs(Scope.READ)

    def sees(self, owner_id: UUID | None, app_id: UUID, account_id: str) -> bool:
        """Whether a job with this owner, app and account exists for them. Raises `Forbidden` if none ever does."""
        seen = self.seen_jobs
        return seen is None or seen.include(owner_id, app_id, account_id)

    def sees_runs_of(self, account_id: str) -> bool:
        """Whether runs that were made for an account, of jobs that they see, exist for them: a job may have moved."""
        return self.account_id in (None, account_id)

    def may(self, scope: Scope, owner_id: UUID | None, app_id: UUID, account_id: str) -> bool:
        """Whether they may do this with a job that they see."""
        if scope not in self.scopes:
            return False
        return self.sees_all or self._jobs(scope).include(owner_id, app_id, account_id)

    def membership(self, app_id: UUID) -> Membership | None:
        """Returns their membership of an app, if they have one."""
        return next((one for one in self.memberships if one.app_id == app_id), None)

    def app_ids(self, scope: Scope) -> frozenset[UUID] | None:
        """Returns the apps in which their role grants this scope, None for all."""
        return None if self.sees_all else self._app_ids(scope)

    def expect_scope(self, scope: Scope) -> None:
        """Raises `Forbidden` unless the key or token has this scope."""
        if scope not in self.scopes:
            given = ", ".join(sorted(self.scopes)) or "none"
            raise Forbidden(f"This needs the scope {scope.value}, and the key or token has {given}; use another one.")

    def expect_scopes(self, scopes: Iterable[Scope]) -> None:
        """Raises `Forbidden` unless the key or token has each of these scopes."""
        for scope in sorted(scopes):
            self.expect_scope(scope)

    def expect_no_end(self, what: str) -> None:
        """Raises `Forbidden` for a token that expires: the right that it would grant does not."""
        if self.expires_at is not None:
            raise Forbidden(f"{what} would outlast the token, which ends at {shown(self.expires_at)}; log in.")

    def expect_administration(self) -> None:
        """Raises `Forbidden` unless they are trusted or an administrator."""
        if not self.sees_all:
            raise Forbidden("Only administrators may do this.")

    def _jobs(self, scope: Scope) -> VisibleJobs:
        if self.user_id is None and self.key_id is None:
            raise Forbidden("Only users, keys of apps and operators may see jobs.")
        return VisibleJobs(self.user_id, self._app_ids(scope), self.account_id)

    def _app_ids(self, scope: Scope) -> frozenset[UUID]:
        return frozenset(one.app_id for one in self.memberships if scope in one.role.scopes)


LOCAL = Principal(PrincipalKind.LOCAL)
SYSTEM = Principal(PrincipalKind.SYSTEM, scopes=frozenset())
"""Carillon itself: the principal in the audit log for actions that no caller asked for."""
