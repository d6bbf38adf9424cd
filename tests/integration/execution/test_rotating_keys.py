"""Exchanging SECRET_KEYS: everything that is stored is sealed with the first key, or nothing is."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from core.errors import Misconfigured
from core.principals import LOCAL
from models import database
from models.tables import SigningSecret
from services.apps import apps
from services.secrets import rotating, sealing
from tests.factories import given_system

FORMER, NEW, ANOTHER = (Fernet.generate_key().decode() for _ in range(3))


def sealed() -> list[str]:
    with database.reading():
        return [row.sealed for row in SigningSecret.select().order_by(SigningSecret.id)]


@pytest.fixture
def opened(store: str) -> list[bytes]:
    """Secrets of two apps, sealed with the former key."""
    system = given_system(secret_keys=FORMER)
    for name in ("app_a", "app_b"):
        apps.put(LOCAL, system, name, None, {})
    return [sealing.unseal(system.settings, one) for one in sealed()]


def test_the_new_key_alone_opens_everything_afterwards(opened: list[bytes]) -> None:
    assert rotating.rotate(given_system(secret_keys=f"{NEW},{FORMER}").settings) == 2
    alone = given_system(secret_keys=NEW).settings
    assert [sealing.unseal(alone, one) for one in sealed()] == opened


@pytest.mark.parametrize("keys", [ANOTHER, None], ids=["another", "none"])
@pytest.mark.usefixtures("opened")
def test_without_the_former_key_nothing_changes(keys: str | None) -> None:
    before = sealed()
    with pytest.raises(Misconfigured, match="SECRET_KEYS"):
        rotating.rotate(given_system(secret_keys=keys).settings)
    assert sealed() == before
