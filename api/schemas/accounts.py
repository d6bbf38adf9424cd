"""What users do with their own accounts, as they write it and get it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from api.schemas.values import Given, Instant, Name, ScopeWord, Shown
from core.accounts import TokenKind
from core.letters import LONGEST_ADDRESS, fault_of_address
from core.scopes import Scope
from services.access import own_tokens

_MIN_PASSWORD = 8
_LONGEST_PASSWORD = 1_000


def _address(address: str) -> str:
    if fault := fault_of_address(address):
        raise ValueError(fault)
    return address


Password = Annotated[str, Field(min_length=1, max_length=_LONGEST_PASSWORD)]
NewPassword = Annotated[str, Field(min_length=_MIN_PASSWORD, max_length=_LONGEST_PASSWORD)]
Address = Annotated[str, Field(min_length=3, max_length=LONGEST_ADDRESS), AfterValidator(_address)]
LinkToken = Annotated[str, Field(min_length=1, max_length=200)]


class NewToken(Given):
    """A token to make: for which program, what it may do, and until when: 30 days, unless said, at most 366."""

    name: Name
    scopes: Annotated[list[ScopeWord], Field(min_length=1, max_length=len(Scope))]
    expires_at: Instant | None = None

    def parsed(self) -> own_tokens.NewToken:
        """Returns this as the services take it."""
        return own_tokens.NewToken(self.name, frozenset(map(Scope, self.scopes)), self.expires_at)


class OwnToken(Shown):
    """A token or session: a login's has neither name nor prefix. `used_at` is to the minute."""

    id: UUID
    kind: TokenKind
    name: str | None
    prefix: str | None
    scopes: list[Scope]
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    is_current: bool


class MadeToken(OwnToken):
    """A new token; `token` is shown only once, to be sent as `Authorization: Bearer <token>`."""

    token: str


class OwnTokens(Shown):
    """The caller's tokens and sessions, newest first."""

    results: list[OwnToken]


class EndedAccess(Shown):
    """How many sessions and tokens were ended."""

    ended: int


class ChangedPassword(Given):
    """A new password, and the present one."""

    current_password: Password
    new_password: NewPassword


class ForgottenPassword(Given):
    """The address of the user who has forgotten the password."""

    email: Address


class ResetPassword(Given):
    """A new password, and the token of the link that was sent."""

    token: LinkToken
    new_password: NewPassword


class NewInvitation(Given):
    """An invitation of an e-mail address or, without one, of anyone with the link; optionally as an administrator."""

    email: Address | None = None
    administrator: bool = False


class Invitation(Shown):
    """An invitation that was not used yet."""

    id: UUID
    email: str | None
    administrator: bool
    created_by: str
    created_at: datetime
    expires_at: datetime


class MadeInvitation(Invitation):
    """A new invitation; `link` is shown only once, and opens once."""

    link: str


class Invitations(Shown):
    """The invitations that were not used yet, newest first."""

    results: list[Invitation]
