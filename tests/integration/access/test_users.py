"""Users: registered once, known by a token that the database does not hold, throttled when they guess."""

# ruff: noqa: RUF001  the scripts of the world

from __future__ import annotations

import runpy
import unicodedata
from pathlib import Path
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from core import networks
from core.accounts import TokenKind
from core.errors import InvalidInput, TooMany
from models import database
from models.tables import KnownAddress, Token, User
from services.access import authentication, passwords, users
from services.access.guesses import KNOWN_FOR, MAX_AT_ACCOUNT, MAX_OF_ACCOUNT, MAX_OF_ADDRESS
from services.access.login_throttle import SPAN_SECONDS, Throttle
from services.access.registering import NewUser
from services.access.tokens import IDLE
from tests.factories import GivenSystem, given_system
from tests.integration.access.users import ANNA, registered


def logged_in(
    system: GivenSystem,
    password: str = ANNA.password,
    kind: TokenKind = TokenKind.TOKEN,
    throttle: Throttle | None = None,
    name: str = "anna",
    *,
    address: str = "10.0.0.1",
) -> str:
    throttle = throttle or Throttle(system.clock)
    token, _ = users.log_in(system, name, password, address=address, throttle=throttle, kind=kind)
    return token


def authenticated(system: GivenSystem, token: str, kind: TokenKind) -> UUID | None:
    """The id of the user whom a token opens something to."""
    found = authentication.of_token(system, token, kind)
    return None if found is None else found.user_id


def test_a_token_is_known_and_neither_it_nor_the_password_is_in_the_database(system: GivenSystem) -> None:
    anna = registered(system)
    token = logged_in(system)
    assert authenticated(system, token, TokenKind.TOKEN) == anna.id
    assert authenticated(system, token, TokenKind.SESSION) is None
    assert authenticated(system, token + "x", TokenKind.TOKEN) is None
    assert len(token) > 43
    stored = str([*User.select().dicts(), *Token.select().dicts()])
    assert token not in stored
    assert ANNA.password not in stored
    assert "$argon2id$" in stored


def test_tokens_that_are_looked_up_together_admit_whom_they_admit_alone_and_are_not_used(system: GivenSystem) -> None:
    registered(system)
    token, session = logged_in(system), logged_in(system, kind=TokenKind.SESSION)
    shown = {token: TokenKind.TOKEN, session: TokenKind.SESSION, "carillon_unknown": TokenKind.TOKEN}
    found = authentication.of_tokens(system, shown)
    assert found == {token: authentication.of_token(system, token, TokenKind.TOKEN), session: found[session]}
    assert found[session].user_id == found[token].user_id
    assert authentication.of_tokens(system, {token: TokenKind.SESSION}) == {}
    system.clock.advance(IDLE[TokenKind.SESSION].total_seconds())
    assert authentication.of_tokens(system, shown).keys() == {token, session}
    system.clock.advance(1)
    assert authentication.of_tokens(system, shown).keys() == {token}


def test_a_password_is_hashed_with_the_effort_that_owasp_recommends(
    system: GivenSystem, production_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "hasher", production_hasher)
    anna = registered(system)
    assert authenticated(system, logged_in(system), TokenKind.TOKEN) == anna.id
    assert User.get().password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_it_takes_as_long_to_refuse_a_name_that_nobody_has(production_hasher: PasswordHasher) -> None:
    production = runpy.run_path(str(Path(passwords.__file__)))
    assert not production_hasher.check_needs_rehash(production["nobodys_hash"])


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewUser("ANNA", "other@example.com", "a long password"), "username"),
        (NewUser("ａｎｎａ", "other@example.com", "a long password"), "username"),
        (NewUser("an\u200bna", "other@example.com", "a long password"), "username"),
        (NewUser("other", "Anna@Example.com", "a long password"), "email"),
    ],
)
def test_a_name_and_an_address_mean_one_user(system: GivenSystem, new: NewUser, field: str) -> None:
    registered(system)
    with pytest.raises(InvalidInput) as refused:
        registered(system, new)
    [fault] = refused.value.fields
    assert (fault.field, fault.message) == (field, f"{field.capitalize()} already exists.")


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", ANNA.password)])
def test_a_wrong_password_and_an_unknown_name_are_refused_alike(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    registered(system)
    verified: list[str] = []

    class Counting:
        def verify(self, hashed: str, given: str) -> bool:
            verified.append(hashed)
            return hasher.verify(hashed, given)

    hasher = passwords.hasher
    monkeypatch.setattr(passwords, "hasher", Counting())
    with pytest.raises(InvalidInput, match="Invalid credentials"):
        logged_in(system, password, name=name)
    assert len(verified) == 1, "an unknown user costs a hash as well"
    assert verified[0].startswith("$argon2id$")


def test_who_guesses_on_and_on_must_wait_even_with_the_right_password(system: GivenSystem) -> None:
    registered(system)
    throttle = Throttle(system.clock)
    for _ in range(MAX_OF_ACCOUNT):
        with pytest.raises(InvalidInput):
            logged_in(system, "wrong", throttle=throttle)
    with pytest.raises(TooMany) as refused:
        logged_in(system, throttle=throttle)
    assert 0 < refused.value.seconds <= SPAN_SECONDS
    system.clock.advance(SPAN_SECONDS)
    assert logged_in(system, throttle=throttle)


def test_one_account_is_guessed_at_only_so_often_from_wherever(system: GivenSystem) -> None:
    registered(system)
    throttle = Throttle(system.clock)
    for number in range(MAX_AT_ACCOUNT):
        with pytest.raises(InvalidInput):
            logged_in(system, "wrong", throttle=throttle, address=f"10.0.1.{number}")
    with pytest.raises(TooMany):
        logged_in(system, throttle=throttle, address="10.0.2.1")


def test_one_address_guesses_at_many_accounts_only_so_often(system: GivenSystem) -> None:
    registered(system)
    throttle = Throttle(system.clock)
    for number in range(MAX_OF_ADDRESS):
        with pytest.raises(InvalidInput):
            logged_in(system, "wrong", throttle=throttle, name=f"user-{number}")
    with pytest.raises(TooMany) as refused:
        logged_in(system, throttle=throttle)
    assert 0 < refused.value.seconds <= SPAN_SECONDS
    assert logged_in(system, throttle=throttle, address="10.0.2.1")
    system.clock.advance(SPAN_SECONDS)
    assert logged_in(system, throttle=throttle)


def test_strangers_who_guess_lock_nobody_out_of_where_they_logged_in(system: GivenSystem) -> None:
    registered(system)
    throttle = Throttle(system.clock)
    logged_in(system, throttle=throttle, address="10.0.2.1")
    for number in range(MAX_AT_ACCOUNT):
        with pytest.raises(InvalidInput):
            logged_in(system, "wrong", throttle=throttle, address=f"10.0.1.{number}")
    assert logged_in(system, throttle=throttle, address="10.0.2.1")
    for _ in range(MAX_OF_ACCOUNT):
        with pytest.raises(InvalidInput):
            logged_in(system, "wrong", throttle=throttle, address="10.0.2.1")
    with pytest.raises(TooMany):
        logged_in(system, throttle=throttle, address="10.0.2.1")


def test_where_a_user_logged_in_is_known_to_each_process_for_thirty_days(system: GivenSystem) -> None:
    registered(system)
    here, elsewhere = Throttle(system.clock), Throttle(system.clock)
    logged_in(system, throttle=here, address="10.0.2.1")
    guess_from_elsewhere(system, elsewhere)
    assert logged_in(system, throttle=elsewhere, address="10.0.2.1")
    system.clock.advance(KNOWN_FOR.total_seconds())
    guess_from_elsewhere(system, elsewhere)
    with pytest.raises(TooMany):
        logged_in(system, throttle=elsewhere, address="10.0.2.1")
    with database.reading():
        assert [one.address for one in KnownAddress.select()] == ["10.0.2.1"]


def test_an_address_that_is_no_longer_known_is_not_kept_once_its_user_logs_in_elsewhere(system: GivenSystem) -> None:
    registered(system)
    logged_in(system, address="10.0.2.1")
    system.clock.advance(KNOWN_FOR.total_seconds())
    logged_in(system, address="10.0.3.1")
    with database.reading():
        assert [one.address for one in KnownAddress.select()] == ["10.0.3.1"]


def test_an_address_where_one_user_logged_in_is_not_known_for_another(system: GivenSystem) -> None:
    registered(system)
    registered(system, NewUser("berta", "berta@example.com", ANNA.password))
    throttle = Throttle(system.clock)
    logged_in(system, throttle=throttle, name="berta", address="10.0.2.1")
    guess_from_elsewhere(system, throttle)
    with pytest.raises(TooMany):
        logged_in(system, throttle=throttle, address="10.0.2.1")


def guess_from_elsewhere(system: GivenSystem, throttle: Throttle) -> None:
    """As many wrong guesses at Anna's password as an account bears, from five addresses."""
    for number in range(MAX_AT_ACCOUNT):
        with pytest.raises(InvalidInput):
            logged_in(system, "wrong", throttle=throttle, address=f"10.0.1.{number % 5}")


def test_the_addresses_of_one_ipv6_network_are_one(system: GivenSystem) -> None:
    registered(system)
    throttle = Throttle(system.clock)
    for number in range(MAX_OF_ACCOUNT):
        with pytest.raises(InvalidInput):
            logged_in(system, "wrong", throttle=throttle, address=f"2001:db8::{number:x}")
    with pytest.raises(TooMany):
        logged_in(system, throttle=throttle, address="2001:db8::ffff")
    assert logged_in(system, throttle=throttle, address="2001:db8:0:1::1")
    assert networks.place("::ffff:10.0.0.1") != networks.place("::ffff:10.0.0.2")


def test_logins_that_succeed_are_not_counted_against_an_account(system: GivenSystem) -> None:
    registered(system)
    throttle = Throttle(system.clock)
    for number in range(MAX_AT_ACCOUNT + 1):
        logged_in(system, throttle=throttle, address=f"10.0.{number % 2}.1")


def test_a_token_ends_after_thirty_days(system: GivenSystem) -> None:
    registered(system)
    token = logged_in(system)
    system.clock.advance(30 * 86_400 - 1)
    assert authenticated(system, token, TokenKind.TOKEN)
    system.clock.advance(1)
    assert authenticated(system, token, TokenKind.TOKEN) is None


def test_a_session_ends_when_idle_and_after_twelve_hours_at_most(system: GivenSystem) -> None:
    registered(system)
    idle = logged_in(system, kind=TokenKind.SESSION)
    used = logged_in(system, kind=TokenKind.SESSION)
    system.clock.advance(1_799)
    assert authenticated(system, used, TokenKind.SESSION)
    system.clock.advance(2)
    assert authenticated(system, idle, TokenKind.SESSION) is None
    while authenticated(system, used, TokenKind.SESSION):
        system.clock.advance(1_700)
    elapsed = (system.clock.now() - given_system().clock.now()).total_seconds()
    assert 12 * 3600 <= elapsed < 12 * 3600 + 1_700


def test_an_administrators_name_is_only_given_to_who_is_trusted(store: str) -> None:
    system = given_system(admin_usernames="root, Anna")
    with pytest.raises(InvalidInput, match="already exists"):
        registered(system)
    assert registered(system, trusted=True).is_admin


@pytest.mark.parametrize("name", ["ANNA", "ａｎｎａ", "an\u200dna", "ＡＮＮＡ", "Rene\u0301", "RENÉ"])
def test_who_only_looks_like_an_administrator_is_no_user(store: str, name: str) -> None:
    system = given_system(admin_usernames="anna,René")
    with pytest.raises(InvalidInput, match="already exists"):
        registered(system, NewUser(name, "other@example.com", "a long password"))


def test_an_administrator_is_one_in_either_composition_and_who_was_there_before_becomes_none(store: str) -> None:
    system = given_system(admin_usernames="René,ADA")
    assert registered(system, NewUser("Rene\u0301", "rene@example.com", "a long password"), trusted=True).is_admin
    assert not registered(given_system(), NewUser("ａｄａ", "ada@example.com", "a long password")).is_admin
    assert not users.is_in_admin_usernames(system, "ａｄａ")


@pytest.mark.parametrize("name", ["Ärger", "ΣΑΣ", "ｊｏｈｎ"])
def test_a_user_logs_in_by_any_spelling_of_the_name(system: GivenSystem, name: str) -> None:
    registered(system, NewUser(name, "a@example.com", ANNA.password))
    for spelling in (name, name.lower(), unicodedata.normalize("NFKD", name)):
        assert logged_in(system, name=spelling)
