"""Passwords: changed by who knows them, set anew by a link that comes by e-mail and opens once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.accounts import LinkPurpose
from models import database, links
from models.tables import Link, db
from services.access import password_resets
from services.access.links import LIFETIMES
from tests.commits import fail_at_commit
from tests.factories import GivenSystem, given_system
from tests.integration.access.own_tokens import bearer, made
from tests.integration.access.tenants import SETTINGS, Headers
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.people import HIDDEN, PASSWORD, register, session_of, token_of
from tests.integration.email.conftest import mailing
from tests.mail_server import MailServer
from tests.scripted_mail_server import ScriptedMailServer, Session

NEW = "another long password"
HALF_AN_HOUR = LIFETIMES[LinkPurpose.RESET].total_seconds()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def guarded(store: str, server: MailServer, tmp_path: Path) -> GivenSystem:
    return mailing(server, **SETTINGS, public_url="https://jobs.example.com", data_dir=tmp_path)


def logged_in(client: Client, password: str) -> int:
    return int(client.simulate_post("/api/login", json={"username": "anna", "password": password}).status_code)


def change(client: Client, who: Headers, current: str = PASSWORD, new: str = NEW) -> Any:
    body = {"current_password": current, "new_password": new}
    return client.simulate_put("/api/me/password", headers=who, json=body)


def test_a_changed_password_ends_other_sessions_and_logins(client: Client, anna: Headers) -> None:
    login = client.simulate_post("/api/login", json={"username": "anna", "password": PASSWORD}).json["token"]
    other, program = {"Authorization": f"Bearer {login}"}, bearer(made(client, anna, "read"))
    assert change(client, anna).status_code == 204
    assert (logged_in(client, PASSWORD), logged_in(client, NEW)) == (400, 200)
    statuses = [client.simulate_get("/api/me", headers=who).status_code for who in (anna, other, program)]
    assert statuses == [200, 401, 200]


def invited_by_root(client: Client) -> Headers:
    """The header of an administrator, who has invited one administrator and one user."""
    root = token_of(client, "root")
    for administrator in (True, False):
        client.simulate_post("/api/invitations", headers=root, json={"administrator": administrator})
    return root


def open_links(client: Client) -> list[bool]:
    """Of each invitation that is still open, whether it makes an administrator."""
    found = client.simulate_get("/api/invitations", headers=HIDDEN).json["results"]
    return [one["administrator"] for one in found]


def test_a_changed_password_ends_the_links_of_administrators_that_its_user_made(client: Client, anna: Headers) -> None:
    root = invited_by_root(client)
    client.simulate_post("/api/invitations", headers=HIDDEN, json={"administrator": True})
    assert change(client, anna).status_code == 204
    assert open_links(client) == [True, False, True]
    assert change(client, root).status_code == 204
    assert open_links(client) == [True, False], "the operator's, and one that makes no administrator"


def test_a_reset_ends_the_links_of_administrators_that_its_user_made(
    client: Client, guarded: GivenSystem, server: MailServer
) -> None:
    invited_by_root(client)
    ask(client, "root@example.com")
    assert reset(client, sent_token(guarded, server)).status_code == 204
    assert open_links(client) == [False]


def test_a_session_changes_the_password_and_goes_on(client: Client) -> None:
    session = session_of(client, "anna")
    assert change(client, session).status_code == 204
    assert client.simulate_get("/api/me", headers=session).status_code == 200


def test_who_does_not_know_the_password_changes_nothing_and_must_wait_at_last(client: Client, anna: Headers) -> None:
    assert set(refusal(change(client, anna, "wrong"))) == {"current_password"}
    assert set(refusal(change(client, anna, new="short"))) == {"new_password"}
    assert [change(client, anna, "wrong").status_code for _ in range(10)] == [400] * 9 + [429]
    assert change(client, anna).status_code == 429
    with database.reading():
        assert "argon2id" in str(db.execute_sql("SELECT password_hash FROM users").fetchone())


def test_a_token_without_the_scope_changes_no_password(client: Client, anna: Headers) -> None:
    assert change(client, bearer(made(client, anna, "read", "operate", "jobs"))).status_code == 403


def ask(client: Client, email: str = "anna@example.com") -> int:
    return int(client.simulate_post("/api/password/forgot", json={"email": email}).status_code)


def sent_token(system: GivenSystem, server: MailServer) -> str:
    """The token of the link in the e-mail that is sent next."""
    assert password_resets.send(system) == 1
    [link] = re.findall(r"https://jobs\.example\.com/reset/\?token=(\S+)", server.messages[-1].get_content())
    return str(link)


def reset(client: Client, token: str, new: str = NEW) -> Any:
    return client.simulate_post("/api/password/reset", json={"token": token, "new_password": new})


def test_a_link_sets_a_new_password_once_and_ends_all_that_opened_the_account(
    client: Client, guarded: GivenSystem, server: MailServer, anna: Headers
) -> None:
    program = bearer(made(client, anna, "read"))
    assert ask(client) == 202
    token = sent_token(guarded, server)
    with database.reading():
        assert token not in str(db.execute_sql("SELECT * FROM links").fetchall())
    assert reset(client, token).status_code == 204
    assert (logged_in(client, PASSWORD), logged_in(client, NEW)) == (400, 200)
    for who in (anna, program):
        assert client.simulate_get("/api/me", headers=who).status_code == 401
    assert set(refusal(reset(client, token, "a third password"))) == {"token"}
    assert logged_in(client, NEW) == 200
    entry = client.simulate_get("/api/audit", headers=HIDDEN, params={"thing": "user"}).json["results"][0]
    assert (entry["action"], entry["principal"], entry["credential"]) == ("password.reset", "anna", "link")


def test_a_link_opens_for_half_an_hour(client: Client, guarded: GivenSystem, server: MailServer, anna: Headers) -> None:
    ask(client)
    token = sent_token(guarded, server)
    guarded.clock.advance(HALF_AN_HOUR)
    assert set(refusal(reset(client, token))) == {"token"}
    assert logged_in(client, PASSWORD) == 200


def test_an_unknown_address_is_answered_as_a_known_one_and_gets_no_e_mail(
    client: Client, guarded: GivenSystem, server: MailServer, anna: Headers
) -> None:
    assert ask(client, "nobody@example.com") == 202
    assert password_resets.send(guarded) == 0
    with database.reading():
        assert Link.select().count() == 1
    assert server.messages == []
    guarded.clock.advance(HALF_AN_HOUR)
    password_resets.send(guarded)
    with database.reading():
        assert Link.select().count() == 0


def test_a_used_link_takes_the_others_of_its_user_along(
    client: Client, guarded: GivenSystem, server: MailServer, anna: Headers
) -> None:
    ask(client)
    ask(client)
    first, second = (sent_token(guarded, server) for _ in range(2))
    assert reset(client, second).status_code == 204
    assert set(refusal(reset(client, first, "a third password"))) == {"token"}


def test_who_asks_on_and_on_must_wait_whether_there_is_a_user_or_not(client: Client, anna: Headers) -> None:
    for email in ("anna@example.com", "nobody@example.com"):
        assert [ask(client, email) for _ in range(4)] == [202, 202, 202, 429]


def test_a_link_is_sent_later_where_the_mail_server_is_away(
    client: Client, guarded: GivenSystem, server: MailServer, anna: Headers
) -> None:
    ask(client)
    away = given_system(**SETTINGS, email_host="127.0.0.1", email_port=1, email_use_tls=False)
    assert password_resets.send(away) == 0
    guarded.clock.advance(60)
    assert reset(client, sent_token(guarded, server)).status_code == 204


def test_a_link_that_was_not_sent_waits_also_if_the_database_is_away_just_then(
    client: Client, guarded: GivenSystem, anna: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client)
    away = given_system(**SETTINGS, email_host="127.0.0.1", email_port=1, email_use_tls=False)
    put_off = links.put_off

    def put_off_in_vain(*given: Any) -> None:
        fail_at_commit(monkeypatch, after=False)
        put_off(*given)

    monkeypatch.setattr(links, "put_off", put_off_in_vain)
    assert password_resets.send(away) == 0
    assert password_resets.send(guarded) == 1


def test_a_mailbox_that_defers_holds_up_no_other_and_is_asked_again_a_minute_later(
    client: Client, guarded: GivenSystem, anna: Headers
) -> None:
    register(client, "bob")
    defers = [True]

    def greylisted(command: str, _session: Session) -> str | None:
        return "451 4.7.1 greylisted" if defers[0] and command == "rcpt to:<anna@example.com>" else None

    with ScriptedMailServer(greylisted) as server:
        settings = {"email_host": "127.0.0.1", "email_port": server.port, "email_use_tls": False}
        system = replace(guarded, settings=guarded.settings.model_copy(update=settings))
        for name in ("anna", "bob"):
            ask(client, f"{name}@example.com")
            system.clock.advance(1)
        assert [password_resets.send(system) for _ in range(3)] == [1, 1, 0]
        assert server.taken == ["bob@example.com"]
        defers[0] = False
        assert password_resets.send(system) == 0
        system.clock.advance(60)
        assert password_resets.send(system) == 1
        assert server.taken == ["bob@example.com", "anna@example.com"]


def test_where_no_e_mail_is_sent_nobody_is_promised_any(store: str) -> None:
    client = Client(served(given_system(**SETTINGS, rabbitmq_url="amqp://127.0.0.1", database_url="postgresql://a/b")))
    register(client, "anna")
    assert ask(client) == ask(client, "nobody@example.com") == 403


def test_links_outlive_no_user(client: Client, guarded: GivenSystem, anna: Headers) -> None:
    ask(client)
    with database.reading():
        [link] = Link.select()
        assert link.expires_at == guarded.clock.now() + timedelta(seconds=HALF_AN_HOUR)
    with database.transaction():
        db.execute_sql("DELETE FROM tokens")
        db.execute_sql("DELETE FROM users")
    with database.reading():
        assert Link.select().count() == 0
