"""The pages over SQLite."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from api.app import App
from processes import dashboard
from services.runtime.troubles import Trouble
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import served
from tests.integration.pages.browser import Browser


def site(system: GivenSystem, troubles: Sequence[Trouble] = ()) -> App:
    """The API with the pages."""
    return dashboard.add_to(served(system), system, troubles=lambda: troubles)


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


@pytest.fixture
def browser(system: GivenSystem) -> Browser:
    return Browser(site(system))
