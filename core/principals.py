"""Principals: who asks, established once for each request, and whose jobs they may see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from core.errors import Forbidden

ANONYMOUS = "anonymous"
"""Account and user of a job that no user asked for."""


class PrincipalKind(StrEnum):
    """How a principal is known."""

    LOCAL = "local"  # anyone on this machine, where no secret is set
    OPERATOR = "operator"  # shows the server's secret
    USER = "user"  # shows a token or a session
    RECEIVER = "receiver"  # shows a token for one run or one file, which the resource checks
    VISITOR = "visitor"  # shows nothing, at a path that is open to all


_TRUSTED = (PrincipalKind.LOCAL, PrincipalKind.OPERATOR)


@dataclass(frozen=True)
class Principal:
    """Who asks: a user, or one without an account, who owns nothing."""

    kind: PrincipalKind
    user_id: UUID | None = None
    name: str = ANONYMOUS
    is_admin: bool = False

    @property
    def is_trusted(self) -> bool:
        """Whether they may do whatever the installation allows: the operator, or anyone on a machine of one's own."""
        return self.kind in _TRUSTED

    @property
    def visible_owner_id(self) -> UUID | None:
        """Returns the only owner whose jobs they see; None if they see all. Raises `Forbidden` if they see none."""
        if self.is_trusted or self.is_admin:
            return None
        if self.user_id is None:
            raise Forbidden("Jobs are shown to users and to operators alone.")
        return self.user_id

    def may_see(self, owner_id: UUID | None) -> bool:
        """Whether they may see, and act on, what this owner has. Raises `Forbidden` if they may see nothing at all."""
        return self.visible_owner_id in (None, owner_id)

    def expect_administration(self) -> None:
        """Raises `Forbidden` unless they are trusted or an administrator."""
        if self.visible_owner_id is not None:
            raise Forbidden("This is for administrators, whom the setting ADMIN_USERNAMES names.")


LOCAL = Principal(PrincipalKind.LOCAL)
