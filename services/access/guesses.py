"""How often somebody may guess a password: from one address, at one account, and both."""

from __future__ import annotations

from core import names, networks
from services.access.login_throttle import Throttle

# Tries within five minutes from one address, those of them for one account that failed, and these from anywhere.
MOST_OF_ADDRESS = 100
MOST_OF_ACCOUNT = 10
MOST_AT_ACCOUNT = 50


def count(throttle: Throttle, username: str, address: str) -> None:
    """Count a guess at a user's password. Raises `TooMany`.

    From an address where the user has logged in lately, only the guesses of that address count: strangers who guess
    from elsewhere lock nobody out of where they are at home.
    """
    throttle.take(("login from", networks.place(address)), MOST_OF_ADDRESS)
    at_account, from_address = _keys(username, address)
    throttle.take(from_address, MOST_OF_ACCOUNT)
    if not throttle.knows(from_address):
        throttle.take(at_account, MOST_AT_ACCOUNT)


def forget(throttle: Throttle, username: str, address: str) -> None:
    """Take back the last guess, which was right, and those that the same address made before it."""
    at_account, from_address = _keys(username, address)
    throttle.forget(from_address)
    if not throttle.knows(from_address):
        throttle.give_back(at_account)
    throttle.remember(from_address)


def _keys(username: str, address: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    account = ("login", names.folded(username))
    return account, (*account, networks.place(address))
