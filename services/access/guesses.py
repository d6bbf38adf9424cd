"""Limits guesses at passwords: by address, by account, and by both together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from core import names, networks
from models import database, known_addresses
from services.access.login_throttle import Throttle
from services.system import System

# Within five minutes: tries from one address; failed tries at one account from one address; and from anywhere.
MAX_OF_ADDRESS = 100
MAX_OF_ACCOUNT = 10
MAX_AT_ACCOUNT = 50

KNOWN_FOR = timedelta(days=30)


@dataclass(frozen=True)
class Guess:
    """A counted guess: the user, the address, and whether the user has logged in from there lately."""

    username: str
    place: str
    is_from_known_address: bool


def count(system: System, throttle: Throttle, username: str, address: str) -> Guess:
    """Count a guess at a user's password. Raises `TooMany`.

    From a known address, where the user has logged in lately, only the guesses of that address count: strangers who
    guess from elsewhere lock nobody out there.
    """
    place = networks.place(address)
    throttle.take(("login from", place), MAX_OF_ADDRESS)
    at_account, from_address = _keys(username, place)
    throttle.take(from_address, MAX_OF_ACCOUNT)
    with database.reading():
        is_from_known_address = known_addresses.is_known(username, place, system.clock.now() - KNOWN_FOR)
    if not is_from_known_address:
        throttle.take(at_account, MAX_AT_ACCOUNT)
    return Guess(username, place, is_from_known_address)


def forget(throttle: Throttle, guess: Guess) -> None:
    """Take back a correct guess, and reset the count of its address at this account."""
    at_account, from_address = _keys(guess.username, guess.place)
    throttle.forget(from_address)
    if not guess.is_from_known_address:
        throttle.give_back(at_account)


def remember(user_id: UUID, guess: Guess, now: datetime) -> None:
    """Store the address of a correct guess as known, for all processes, in the caller's transaction."""
    known_addresses.put(user_id, guess.place, now, now - KNOWN_FOR)


def _keys(username: str, place: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns the keys under which guesses at an account are counted: from anywhere, and from one address."""
    account = ("login", names.folded(username))
    return account, (*account, place)
