"""Callbacks and requests are signed by the app's newest two secrets, which the reference library verifies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from actors.handlers.call import perform_call
from core import request_signatures
from core.errors import Conflict, Forbidden, InvalidInput, NotFound, TransientFailure
from core.principals import LOCAL
from models import database
from models.tables import SigningSecret
from services.apps import apps
from services.execution.work import Failed, Result
from services.jobs import creating
from services.runtime.abort_scope import AbortScope
from services.secrets import sealing, signers, signing
from tests.factories import GivenSystem, claim, claim_one, given_system, new_job
from tests.integration.execution.answering import Server, answering
from tests.statements import noted

KEY, FORMER_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()
OWN = request_signatures.secret_of(b"a secret of the receiver's own 32")


@pytest.fixture
def receiver() -> Iterator[Server]:
    with answering() as serving:
        yield serving


@pytest.fixture
def system(store: str, receiver: Server) -> GivenSystem:
    return keyed(receiver)


def keyed(receiver: Server, keys: str | None = KEY) -> GivenSystem:
    """A system whose app is called at the receiver, at this very moment: signatures are good for five minutes."""
    system = given_system(secret_keys=keys, callback_base_url=receiver.url.removesuffix("/x?y=1"))
    system.clock.set(datetime.now(UTC))
    return system


def call(system: GivenSystem, **job: Any) -> Result:
    creating.create(LOCAL, system, new_job(**job))
    return perform_call(system, claim_one(system), AbortScope())


def sent(receiver: Server) -> tuple[dict[str, str], bytes]:
    _, _, headers, body = receiver.got[-1]
    return headers, body


def added(system: GivenSystem, secret: str | None = None) -> str:
    return signing.add(LOCAL, system, "app_a", secret)[1]


def is_verified(receiver: Server, secret: str) -> bool:
    headers, body = sent(receiver)
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


@pytest.fixture
def app(system: GivenSystem) -> None:
    apps.put(LOCAL, system, "app_a", None, {})


@pytest.mark.usefixtures("app")
def test_a_callback_is_signed_under_the_id_of_its_run(system: GivenSystem, receiver: Server) -> None:
    secret = added(system)
    call(system)
    headers, body = sent(receiver)
    assert headers["webhook-id"] == headers["x-carillon-run-id"]
    assert b"some_value" in body
    assert is_verified(receiver, secret)


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("request_", [{"method": "GET"}, {"body": {"text": "Grüße"}}, {"body": "plain"}])
def test_a_request_of_a_jobs_own_is_signed(system: GivenSystem, receiver: Server, request_: dict[str, Any]) -> None:
    secret = added(system)
    call(system, task_type="http", data={"url": receiver.url, **request_})
    assert is_verified(receiver, secret)


@pytest.mark.usefixtures("app")
def test_a_receiver_that_knows_either_secret_loses_no_call_while_they_are_exchanged(
    system: GivenSystem, receiver: Server
) -> None:
    first = added(system)
    call(system)
    second = added(system)
    call(system)  # signed as before, for what was read a moment ago still counts
    assert is_verified(receiver, first)
    system.clock.advance(signers.KNOWN_SECONDS)
    call(system)
    assert is_verified(receiver, first)
    assert is_verified(receiver, second)
    [_, former] = signing.of_app(LOCAL, "app_a")
    signing.delete(LOCAL, system, "app_a", former.id)
    system.clock.advance(signers.KNOWN_SECONDS)
    call(system)
    assert not is_verified(receiver, first)
    assert is_verified(receiver, second)


@pytest.mark.usefixtures("app")
def test_the_newest_two_secrets_are_kept(system: GivenSystem) -> None:
    secrets = [added(system) for _ in range(3)]
    ends = [one.masked[-4:] for one in signing.of_app(LOCAL, "app_a")]
    assert ends == [one.rstrip("=")[-4:] for one in (secrets[2], secrets[1])]


@pytest.mark.usefixtures("app")
def test_a_secret_that_is_given_twice_takes_no_others_place(system: GivenSystem) -> None:
    added(system)
    before = signing.add(LOCAL, system, "app_a", OWN)
    again = signing.add(LOCAL, system, "app_a", OWN)
    assert (before[0], before[1]) == (again[0], again[1])
    assert (before[2], again[2]) == (True, False)


@pytest.mark.usefixtures("app")
def test_the_only_secret_stays(system: GivenSystem) -> None:
    [only] = signing.of_app(LOCAL, "app_a")
    with pytest.raises(Conflict, match="POST a new one"):
        signing.delete(LOCAL, system, "app_a", only.id)
    with pytest.raises(NotFound):
        signing.delete(LOCAL, system, "app_a", uuid4())


@pytest.mark.usefixtures("app")
def test_a_secret_is_sealed_where_it_is_stored(system: GivenSystem) -> None:
    added(system, OWN)
    with database.reading():
        [stored] = [row.sealed for row in SigningSecret.select() if row.hint == OWN.rstrip("=")[-4:]]
    assert OWN.removeprefix("whsec_") not in stored
    assert sealing.unseal(system.settings, stored) == request_signatures.key_of(OWN)


def test_a_first_secret_whose_claim_is_rolled_back_signs_nothing(system: GivenSystem, receiver: Server) -> None:
    creating.create(LOCAL, system, new_job())
    with database.rolled_back():
        claim_one(system)
    call(system)
    with database.reading():
        [stored] = [row.sealed for row in SigningSecret.select()]
    assert is_verified(receiver, request_signatures.secret_of(sealing.unseal(system.settings, stored)))


def test_an_app_gets_its_first_secret_with_its_first_call_and_keeps_it(system: GivenSystem, receiver: Server) -> None:
    call(system)
    [only] = signing.of_app(LOCAL, "app_a")
    assert len(sent(receiver)[0]["webhook-signature"].split()) == 1
    system.clock.advance(signers.KNOWN_SECONDS)
    call(system)
    assert signing.of_app(LOCAL, "app_a") == [only]


def test_secrets_are_not_read_for_each_run(system: GivenSystem) -> None:
    for _ in range(5):
        creating.create(LOCAL, system, new_job())
    claim(system, 1)
    with noted() as statements:
        claim(system, 1)
        claim(system, 3)
    assert [sql for sql, _ in statements if "signing_secrets" in sql] == []


def test_without_a_key_nothing_is_signed_and_no_secret_is_taken(store: str, receiver: Server) -> None:
    system = keyed(receiver, keys=None)
    call(system)
    assert not [name for name in sent(receiver)[0] if name.startswith("webhook-")]
    with pytest.raises(Forbidden, match="SECRET_KEYS is not set"):
        added(system)


@pytest.mark.parametrize("keys", [None, FORMER_KEY], ids=["none", "another"])
def test_what_cannot_be_signed_is_not_sent_and_tried_again(store: str, receiver: Server, keys: str | None) -> None:
    apps.put(LOCAL, keyed(receiver), "app_a", None, {})
    result = call(keyed(receiver, keys))
    assert isinstance(result, Failed)
    assert isinstance(result.error, TransientFailure)
    assert "SECRET_KEYS" in result.error.message
    assert not result.error.was_called
    assert receiver.got == []


def test_a_new_key_in_front_opens_what_the_former_one_sealed(store: str, receiver: Server) -> None:
    apps.put(LOCAL, keyed(receiver, FORMER_KEY), "app_a", None, {})
    secret = added(keyed(receiver, FORMER_KEY))
    call(keyed(receiver, f"{KEY}, {FORMER_KEY}"))
    assert is_verified(receiver, secret)


@pytest.mark.usefixtures("app")
def test_what_is_no_secret_is_refused_by_its_field_and_nothing_changes(system: GivenSystem) -> None:
    before = signing.of_app(LOCAL, "app_a")
    with pytest.raises(InvalidInput) as refused:
        added(system, "whsec_canary")
    assert [one.field for one in refused.value.fields] == ["secret"]
    assert signing.of_app(LOCAL, "app_a") == before
