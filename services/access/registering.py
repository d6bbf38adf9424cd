"""Registration: open to all, by invitation, or closed, as the setting REGISTRATION says."""

from __future__ import annotations

from dataclasses import dataclass

from core import networks
from core.accounts import LinkPurpose, Registration
from core.auditing import Thing
from core.errors import Forbidden, InvalidInput
from core.principals import Principal, PrincipalKind
from models import database, users
from models.pauses import Gate
from models.tables import Link, User
from services.access import links, passwords
from services.access.guesses import MAX_OF_ADDRESS
from services.access.login_throttle import Throttle
from services.access.users import UserView, resembles_admin_username, view
from services.messaging.unit_of_work import UnitOfWork
from services.system import System

_FIELD = "invitation"
_ALWAYS = frozenset({LinkPurpose.ADMINISTRATOR})
_BY_INVITATION = _ALWAYS | {LinkPurpose.INVITATION}


@dataclass(frozen=True)
class NewUser:
    """A user to register; `invitation` is the token of the link that invites them."""

    username: str
    email: str
    password: str
    invitation: str | None = None


def register(system: System, new: NewUser, address: str, throttle: Throttle, *, trusted: bool) -> UserView:
    """Register a user. An administrator's name is for a `trusted` caller, or one with an administrator's link.

    Raises `InvalidInput` if the name or the address is taken or the invitation opens nothing, `Forbidden` if
    registration is closed, `TooMany` if one address registers too often.
    """
    throttle.take(("register", networks.place(address)), MAX_OF_ADDRESS)
    with database.reading():
        link = _admitted(system, new, trusted=trusted)
        _refuse_taken(new)
    is_admin = link is not None and link.purpose is LinkPurpose.ADMINISTRATOR
    if resembles_admin_username(system, new.username) and not (trusted or is_admin):
        raise _taken("username")
    password_hash = passwords.hashed(new.password)
    with system.transaction(Gate.UNUSED) as unit:
        if link is not None:
            links.expect_made_by_right(system, link, _FIELD)
            links.spend(link, _FIELD)
        stored = users.insert(new.username, new.email, password_hash, unit.now, is_admin=is_admin)
        if stored is None:
            _refuse_taken(new)
            raise _taken("username")
        if link is not None:
            _record(unit, link, stored, address)
        return view(system, stored)


def _admitted(system: System, new: NewUser, *, trusted: bool) -> Link | None:
    """Returns the link by which a user is admitted, None where they need none. Raises for those who are not."""
    policy = system.settings.who_may_register
    if new.invitation is not None:
        purposes = _ALWAYS if policy is Registration.CLOSED else _BY_INVITATION
        link = links.found(new.invitation, purposes, system.clock.now(), _FIELD)
        if link.email is not None and link.email.lower() != new.email.lower():
            raise InvalidInput.at("email", "is not the address that was invited; register with that one.")
        return link
    if trusted or policy is Registration.OPEN:
        return None
    if policy is Registration.INVITE:
        raise InvalidInput.at(_FIELD, "is missing: whoever registers here needs one. Ask an administrator for a link.")
    raise Forbidden("Registration is closed (the setting REGISTRATION). Ask an administrator.")


def _record(unit: UnitOfWork, link: Link, user: User, address: str) -> None:
    whoever = Principal(PrincipalKind.USER, user.id, user.username, credential="link", address=address)
    after = {"invited_by": link.created_by, "administrator": user.is_admin}
    unit.audit(whoever, "user.registered", Thing("user", user.username), after=after)


def _refuse_taken(new: NewUser) -> None:
    if users.by_username(new.username) is not None:
        raise _taken("username")
    if users.by_email(new.email) is not None:
        raise _taken("email")


def _taken(field: str) -> InvalidInput:
    return InvalidInput.at(field, f"{field.capitalize()} already exists.")
