"""A user whom the former release knew goes on, and an address of theirs is known from their next login on."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from migrations import runner
from models import database, known_addresses
from models.tables import KnownAddress
from tests.factories import NOON
from tests.integration.models.former import INSTANT, row

ADA = "018f0000000070008000000000000400"
MONTH = timedelta(days=30)


def test_no_address_is_known_before_the_first_login(former: None) -> None:
    runner.upgrade("0045_accounts_of_versions")
    with database.transaction():
        names = {"username": "ada", "username_key": "ada", "email": "ada@example.com"}
        row("users", id=ADA, created_at=INSTANT, **{**names, "password_hash": "-"})
    assert runner.upgrade()[0] == "0046_known_addresses"
    with database.transaction():
        assert not known_addresses.is_known("ada", "10.0.0.1", NOON - MONTH)
        for _ in range(2):
            known_addresses.put(UUID(ADA), "10.0.0.1", NOON, NOON - MONTH)
        assert known_addresses.is_known("Ada", "10.0.0.1", NOON - MONTH)
        assert not known_addresses.is_known("ada", "10.0.0.1", NOON)
        assert KnownAddress.select().count() == 1
