"""Users who register, without the API."""

from __future__ import annotations

from services.access import registering
from services.access.login_throttle import Throttle
from services.access.registering import NewUser
from services.access.users import UserView
from tests.factories import GivenSystem

ANNA = NewUser("anna", "anna@example.com", "a long password")


def registered(system: GivenSystem, new: NewUser = ANNA, *, trusted: bool = False) -> UserView:
    return registering.register(system, new, "10.0.0.1", Throttle(system.clock), trusted=trusted)
