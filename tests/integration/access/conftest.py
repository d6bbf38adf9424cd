"""A system that others than this machine may use, and its API."""

from __future__ import annotations

import pytest

from tests.factories import GivenSystem, given_system
from tests.integration.access.tenants import SETTINGS
from tests.integration.api.client import Client, served
from tests.integration.api.people import token_of

Headers = dict[str, str]


@pytest.fixture
def guarded(store: str) -> GivenSystem:
    return given_system(**SETTINGS)


@pytest.fixture
def client(guarded: GivenSystem) -> Client:
    return Client(served(guarded))


@pytest.fixture
def anna(client: Client) -> Headers:
    return token_of(client, "anna")


@pytest.fixture
def berta(client: Client) -> Headers:
    return token_of(client, "berta")
