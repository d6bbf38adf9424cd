"""Principals: who asks, established once for each request, and what they may do with which jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from core.errors import Forbidden
from core.scopes import ALL_SCOPES, Role, Scope
from core.trace_context import TraceContext

ANONYMOUS = "anonymous"
"""Account and user of a job that no user asked for."""


class PrincipalKind(StrEnum):
    """How a principal is known."""

    LOCAL = "local"  # anyone on this machine, where no secret is set
    OPERATOR = "operator"  # shows the server's secret
    USER = "user"  # shows a token or a session
    KEY = "key"  # shows the key of an app
    RECEIVER = "receiver"  # shows a token for one run or one file, which the resource checks
    VISITOR = "visitor"  # shows nothing, at a path that is open to all


_TRUSTED = (PrincipalKind.LOCAL, PrincipalKind.OPERATOR)


@dataclass(frozen=True)
class Membership:
    """A principal's role in an app."""

    app_id: UUID
    app_name: str
    role: Role


@dataclass(frozen=True)
class VisibleJobs:
    """The jobs of an owner and those of some apps; of these, the jobs of one account where one is named.

    The one condition by which one tenant's jobs are kept from another: here for one job, in SQL for many.
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
    """Who asks: a user, a key of an app, or one without an account, who owns nothing.

    A key is a member of its one app in the role of an owner, narrowed by its scopes, and to one account if it has one.
    """

    kind: PrincipalKind
    user_id: UUID | None = None
    name: str = ANONYMOUS
    is_admin: bool = False
    memberships: tuple[Membership, ...] = ()
    scopes: frozenset[Scope] = ALL_SCOPES
    key_id: UUID | None = None
    account_id: str | None = None
    app_requests_per_minute: int | None = None  # that all keys of a key's app may send together; None for any number
    credential: str = "none"  # what they show: token, session, secret, or how a key begins
    address: str | None = None
    request_id: str | None = None
    trace: TraceContext | None = None  # that their request belongs to

    @property
    def is_trusted(self) -> bool:
        """Whether they may do whatever the installation allows: the operator, or anyone on a machine of one's own."""
        return self.kind in _TRUSTED

    @property
    def sees_all(self) -> bool:
        """Whether the jobs of every app and every user are visible to them."""
        return self.is_trusted or self.is_admin

    @property
    def label(self) -> str:
        """Returns the name by which people know them: a user's, or how a key begins; else what kind they are."""
        return self.name if self.caller_id is not None else self.kind.value

    @property
    def caller_id(self) -> UUID | None:
        """Returns what tells this caller from others: a user's id, or a key's; None for those who have no account."""
        return self.user_id or self.key_id

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

    def may(self, scope: Scope, owner_id: UUID | None, app_id: UUID, account_id: str) -> bool:
        """Whether they may do this with a job that they see."""
        if scope not in self.scopes:
            return False
        return self.sees_all or self._jobs(scope).include(owner_id, app_id, account_id)

    def membership(self, app_id: UUID) -> Membership | None:
        """Returns their membership of an app, if they have one."""
        return next((one for one in self.memberships if one.app_id == app_id), None)

    def expect_scope(self, scope: Scope) -> None:
        """Raises `Forbidden` unless the key or token has this scope."""
        if scope not in self.scopes:
            given = ", ".join(sorted(self.scopes)) or "none"
            raise Forbidden(f"This needs the scope {scope.value}, and the key or token has {given}; use another one.")

    def expect_scopes(self, scopes: Iterable[Scope]) -> None:
        """Raises `Forbidden` unless the key or token has each of these scopes."""
        for scope in sorted(scopes):
            self.expect_scope(scope)

    def expect_administration(self) -> None:
        """Raises `Forbidden` unless they are trusted or an administrator."""
        if not self.sees_all:
            raise Forbidden("This is for administrators, whom the setting ADMIN_USERNAMES names.")

    def _jobs(self, scope: Scope) -> VisibleJobs:
        if self.user_id is None and self.key_id is None:
            raise Forbidden("Jobs are shown to users, keys of apps and operators alone.")
        granting = frozenset(one.app_id for one in self.memberships if scope in one.role.scopes)
        return VisibleJobs(self.user_id, granting, self.account_id)


LOCAL = Principal(PrincipalKind.LOCAL)
