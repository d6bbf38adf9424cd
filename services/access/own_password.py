"""Changes a user's own password, for a caller who knows the current one."""

from __future__ import annotations

from core.auditing import Thing
from core.errors import InvalidInput
from core.principals import Principal
from core.token_hashes import hashed
from models import database, links, tokens, users
from models.pauses import Gate
from services.access import guesses, passwords
from services.access import links as issued
from services.access.login_throttle import Throttle
from services.access.own_tokens import user_of
from services.system import System


def change(
    principal: Principal, system: System, current: str, new: str, *, shown: str | None, throttle: Throttle
) -> None:
    """Change the caller's password, and end their other sessions and logins; tokens made for programs stay valid.

    Links to a password or to administration that the caller made are revoked, and so are links to the caller's own
    password: somebody who knew the old one may have made or received such links. `shown` is the token of the request,
    which stays valid. Raises `InvalidInput` if the current password is wrong, and `TooMany` after too many tries.
    """
    user_id, address = user_of(principal), principal.address or ""
    guess = guesses.count(system, throttle, principal.name, address)
    with database.reading():
        [user] = users.by_ids({user_id}).values()
    if not passwords.fits(user.password_hash, current):
        raise _wrong()
    guesses.forget(throttle, guess)
    password_hash = passwords.hashed(new)
    with system.transaction(Gate.UNUSED) as unit:
        locked = users.lock(user_id)
        if locked is None or locked.password_hash != user.password_hash:  # changed since it was read
            raise _wrong()
        users.set_password(user_id, password_hash)
        guesses.remember(user_id, guess, unit.now)
        tokens.remove_logins(user_id, None if shown is None else hashed(shown))
        links.remove_of_user(user_id, issued.OF_ADMINISTRATORS)
        unit.audit(principal, "password.changed", Thing("user", principal.name))


def _wrong() -> InvalidInput:
    return InvalidInput.at(
        "current_password",
        "is wrong. Give the present one, or have it reset by e-mail. Who logs in by single sign-on has none here.",
    )
