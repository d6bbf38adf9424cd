"""The outbox shows links to passwords only to those who may make such links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.access import password_resets
from services.email import outbox
from tests.factories import GivenSystem, given_system
from tests.integration.access.own_tokens import bearer, made
from tests.integration.access.tenants import SETTINGS, Headers
from tests.integration.api.client import Client
from tests.integration.api.people import HIDDEN, token_of

TOKEN = re.compile(r"carillon_[\w-]{43}")


@pytest.fixture
def guarded(sqlite: str, tmp_path: Path) -> GivenSystem:
    return given_system(**SETTINGS, data_dir=tmp_path)


@pytest.fixture
def root(client: Client) -> Headers:
    return token_of(client, "root")


@pytest.fixture
def asked(guarded: GivenSystem, client: Client, berta: Headers) -> str:
    """Where the e-mail is shown by which berta may set a new password."""
    assert client.simulate_post("/api/password/forgot", json={"email": "berta@example.com"}).status_code == 202
    password_resets.send(guarded)
    [kept] = client.simulate_get("/api/outbox", headers=HIDDEN).json["results"]
    return f"/api/outbox/{kept['id']}"


def test_a_link_is_masked_for_tokens_that_end_or_have_few_scopes(client: Client, root: Headers, asked: str) -> None:
    ending, few = (bearer(made(client, root, *scopes)) for scopes in (("read", "operate", "jobs", "app"), ("app",)))
    shown = {
        who: client.simulate_get(asked, headers=headers).text for who, headers in (("ending", ending), ("few", few))
    }
    assert {who: (TOKEN.search(text), "token=***" in text) for who, text in shown.items()} == {
        "ending": (None, True),
        "few": (None, True),
    }


def test_who_may_make_a_link_reads_the_one_that_was_sent(client: Client, root: Headers, asked: str) -> None:
    for who in (root, HIDDEN):
        assert TOKEN.search(client.simulate_get(asked, headers=who).text)


def test_a_link_in_a_subject_or_address_is_masked_in_lists_too(
    client: Client, guarded: GivenSystem, root: Headers
) -> None:
    token = f"carillon_{'x' * 43}"
    letter = (
        f"From: a@example.com\nTo: b@example.com\nDate: Fri, 20 Nov 2026 12:00:00 +0000\nSubject: {token}\n\n{token}"
    )
    outbox.keep(guarded.settings, letter.encode())
    listed = client.simulate_get("/api/outbox", headers=bearer(made(client, root, "app")))
    assert [one["subject"] for one in listed.json["results"]] == ["***"]
