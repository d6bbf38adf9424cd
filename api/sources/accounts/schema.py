"""002 and 004, accounts: registrations and logins."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.schemas.accounts import NewPassword
from api.schemas.values import Shown
from api.validation import shown
from core import names
from core.letters import LONGEST_ADDRESS, fault_of_address
from core.principals import is_reserved
from services.access.registering import NewUser

_ALL_REQUIRED = "Username, password, and email are required."
_BOTH_REQUIRED = "Username and password are required."


def _username(name: str) -> str:
    fault = names.fault_of_name(name)
    if fault or names.turns_text(name) or any(character.isspace() for character in name):
        raise ValueError(f"is {shown(name)}; write printable characters without spaces.")
    if is_reserved(name):
        raise ValueError(f"is {shown(name)}, which is reserved for keys and callers without a name; choose another.")
    return name


def _email(address: str) -> str:
    if fault := fault_of_address(address):
        raise ValueError(f"is {shown(address)}, which {fault}")
    return address


def _refuse_missing(given: Any, names: tuple[str, ...], message: str) -> Any:
    if isinstance(given, dict) and any(given.get(name) in (None, "") for name in names):
        raise ValueError(message)
    return given


class Credentials(BaseModel):
    """A name and a password."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)  # forms have further fields

    username: Annotated[str, Field(min_length=1, max_length=150)]
    password: Annotated[str, Field(min_length=1, max_length=1_000)]

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        return _refuse_missing(given, ("username", "password"), _BOTH_REQUIRED)


class Registration(BaseModel):
    """A user to register; `invitation` is the token of a link, where registration is by invitation."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    username: Annotated[str, Field(min_length=1, max_length=150), AfterValidator(_username)]
    password: NewPassword
    email: Annotated[str, Field(min_length=3, max_length=LONGEST_ADDRESS), AfterValidator(_email)]
    invitation: Annotated[str | None, Field(max_length=200)] = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        return _refuse_missing(given, ("username", "password", "email"), _ALL_REQUIRED)

    def parsed(self) -> NewUser:
        """Returns the registration as services take it."""
        return NewUser(self.username, self.email, self.password, self.invitation or None)


class ShownUser(Shown):
    """A user."""

    id: UUID
    username: str
    email: str


class LoggedIn(Shown):
    """The token, which is shown only once, and its user."""

    token: str
    user: ShownUser
