"""Single sign-on: users of the identity provider are users here, with the roles that their groups grant."""

from __future__ import annotations

import structlog

from core import built_in_apps, names, networks
from core.accounts import TokenKind
from core.auditing import Thing
from core.errors import Conflict, Forbidden
from core.group_roles import Granted
from core.letters import fault_of_address
from core.principals import Principal, PrincipalKind, is_reserved
from core.scopes import Role
from models import apps, identities, links, members, users
from models.pauses import Gate
from models.tables import App, User
from services.access import links as issued
from services.access import tokens
from services.access.guesses import MAX_OF_ADDRESS
from services.access.identity_provider import Attempt, Identity, IdentityProvider
from services.access.login_throttle import Throttle
from services.access.users import expect_enabled, resembles_admin_username
from services.messaging.unit_of_work import UnitOfWork
from services.system import System

NO_PASSWORD = ""
CREDENTIAL = "single sign-on"
log = structlog.get_logger()


def begin(principal: Principal, attempt: Attempt, *, provider: IdentityProvider, throttle: Throttle) -> str:
    """Returns where a browser logs in. Raises `ProviderUnavailable`, and `TooMany` after too many tries."""
    throttle.take(("single sign-on begun", networks.place(principal.address or "")), MAX_OF_ADDRESS)
    return provider.url(attempt)


def log_in(
    principal: Principal,
    system: System,
    code: str,
    attempt: Attempt,
    *,
    provider: IdentityProvider,
    throttle: Throttle,
) -> str:
    """Returns a new session of the user who has logged in at the provider; creates the user at the first login.

    Raises what `provider.identity` does, `Conflict` if their name or address is another user's, and `TooMany` after too
    many tries.
    """
    throttle.take(("single sign-on", networks.place(principal.address or "")), MAX_OF_ADDRESS)
    identity = provider.identity(code, attempt)
    granted = system.settings.oidc_groups.granted(identity.groups)
    with system.transaction(Gate.UNUSED) as unit:
        user = identities.user(identity.issuer, identity.subject) or _made(system, identity, granted, unit)
        user = users.lock(user.id) or user
        expect_enabled(user)
        whoever = Principal(
            PrincipalKind.USER,
            user.id,
            user.username,
            credential=CREDENTIAL,
            address=principal.address,
            request_id=principal.request_id,
        )
        _grant(whoever, system, user, granted, unit)
        return tokens.log_in(user.id, TokenKind.SESSION, unit.now)


def _made(system: System, identity: Identity, granted: Granted, unit: UnitOfWork) -> User:
    """Returns the new user of an identity. An account that exists is never taken over: its address may be unproved."""
    _refuse_odd(identity)
    is_reserved = resembles_admin_username(system, identity.username) and not granted.administrator
    user = None if is_reserved else users.insert(identity.username, identity.email, NO_PASSWORD, unit.now)
    if user is None or not identities.insert(identity.issuer, identity.subject, user):
        if known := identities.user(identity.issuer, identity.subject):
            return known  # they log in twice at once, and the other login made them
        raise Conflict(
            f"There is a user named {identity.username} or with the address {identity.email} already, who is not known "
            "to log in by the identity provider. Ask an administrator."
        )
    return user


def _refuse_odd(identity: Identity) -> None:
    name = identity.username
    is_odd = names.fault_of_name(name) or names.turns_text(name) or any(map(str.isspace, name))
    if is_odd or is_reserved(name) or fault_of_address(identity.email):
        raise Forbidden("The identity provider sent a user name or an e-mail address that is not valid here.")


def _grant(whoever: Principal, system: System, user: User, granted: Granted, unit: UnitOfWork) -> None:
    """Grant a user the rights of their present groups, and revoke those of former groups; other rights stay."""
    table = system.settings.oidc_groups
    if table.administrators and user.is_admin is not granted.administrator:
        users.set_admin(user.id, is_admin=granted.administrator)
        if not granted.administrator:
            links.remove_of_maker(user.id, issued.OF_ADMINISTRATORS)
        was, became = {"administrator": user.is_admin}, {"administrator": granted.administrator}
        unit.audit(whoever, "user.changed", Thing("user", user.username), before=was, after=became)
    for name in sorted(table.apps):
        app = apps.by_name(name)
        if app is None or app.name in built_in_apps.NAMES:
            log.warning("group_of_no_app", app=name)
        else:
            _put(whoever, app, user, granted.roles.get(name), unit)


def _put(whoever: Principal, app: App, user: User, role: Role | None, unit: UnitOfWork) -> None:
    apps.lock(app)
    member = members.one(app, user)
    former = None if member is None else member.role
    if former is role:
        return
    if role is not Role.OWNER and members.owner_ids(app) == {user.id}:
        log.warning("last_owner_stays", app=app.name, user=user.username)
        return
    if role is None:
        members.remove(app, user)
    else:
        members.put(app, user.id, role, unit.now)
    action = "member.removed" if role is None else "member.added" if former is None else "member.changed"
    before = None if former is None else {"role": former}
    after = None if role is None else {"role": role}
    unit.audit(whoever, action, Thing("member", user.username, app.id), before=before, after=after)
