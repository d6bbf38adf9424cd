"""Signing secrets over HTTP: shown once, listed masked, exchanged, refused where they are none."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet

from core import request_signatures
from tests.factories import given_system
from tests.integration.api.client import NO_JOB, Client, refusal, served

PATH = "/api/apps/app_a/signing-secrets"
OWN = request_signatures.secret_of(b"a secret of the receiver's own 32")


@pytest.fixture
def client(sqlite: str) -> Client:
    client = Client(served(given_system(secret_keys=Fernet.generate_key().decode())))
    assert client.simulate_put("/api/apps/app_a", json={}).status_code == 201
    return client


def listed(client: Client) -> list[dict[str, Any]]:
    return list(client.simulate_get(PATH).json["results"])


def test_an_app_has_a_secret_from_its_beginning(client: Client) -> None:
    [first] = listed(client)
    assert set(first) == {"id", "masked", "created_at"}
    assert first["masked"].startswith("whsec_****")


def test_a_new_secret_is_shown_once(client: Client) -> None:
    made = client.simulate_post(PATH)
    assert made.status_code == 201
    assert len(request_signatures.key_of(made.json["secret"])) == 32
    assert listed(client)[0]["id"] == made.json["id"]
    assert made.json["secret"] not in client.simulate_get(PATH).text


def test_a_secret_of_ones_own_is_taken_once(client: Client) -> None:
    made = client.simulate_post(PATH, json={"secret": OWN})
    again = client.simulate_post(PATH, json={"secret": OWN})
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json == again.json
    assert len(listed(client)) == 2


@pytest.mark.parametrize("secret", ["canary", "whsec_canary!", "whsec_Y2FuYXJ5", 17])
def test_what_is_no_secret_is_refused_by_name_and_not_repeated(client: Client, secret: Any) -> None:
    refused = client.simulate_post(PATH, json={"secret": secret})
    assert list(refusal(refused)) == ["secret"]
    assert "canary" not in refused.text
    assert len(listed(client)) == 1


def test_a_former_secret_is_deleted_and_the_last_one_stays(client: Client) -> None:
    [former] = listed(client)
    newest = client.simulate_post(PATH).json
    assert client.simulate_delete(f"{PATH}/{former['id']}").status_code == 204
    assert client.simulate_delete(f"{PATH}/{former['id']}").status_code == 404
    assert client.simulate_delete(f"{PATH}/{newest['id']}").status_code == 409
    assert [one["id"] for one in listed(client)] == [newest["id"]]


def test_an_app_that_is_not_there_has_none(client: Client) -> None:
    path = "/api/apps/nobody/signing-secrets"
    answers = (
        client.simulate_get(path),
        client.simulate_post(path),
        client.simulate_delete(f"{path}/{NO_JOB}"),
        client.simulate_get("/api/apps/%00/signing-secrets"),
    )
    assert [one.status_code for one in answers] == [404] * 4


def test_without_a_key_the_setting_is_named(sqlite: str) -> None:
    client = Client(served(given_system()))
    client.simulate_put("/api/apps/app_a", json={})
    refused = client.simulate_post(PATH)
    assert refused.status_code == 403
    assert "SECRET_KEYS" in refused.json["detail"]
