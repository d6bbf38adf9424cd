"""In whose share of the threads a request counts: a user's, with the keys that they made, or nobody's."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.live import hub
from api.threads import PERSON
from core.errors import Unavailable
from services.reading.upcoming import upcoming_runs
from tests.factories import GivenSystem
from tests.integration.access.tenants import MINE, Headers, made_app, made_key
from tests.integration.api.client import Client
from tests.integration.api.listeners import listener
from tests.integration.api.people import HIDDEN


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[UUID | None]:
    """In whose shares the requests for upcoming runs count."""
    found: list[UUID | None] = []

    def note(*_args: Any, **_more: Any) -> list[Any]:
        found.append(PERSON.get())
        return []

    monkeypatch.setattr(upcoming_runs, "coming", note)
    return found


def test_a_user_and_the_keys_that_they_made_count_as_one_and_the_operator_as_nobody(
    client: Client, anna: Headers, berta: Headers, counted: list[UUID | None]
) -> None:
    made_app(client, anna, MINE)
    for who in (anna, made_key(client, anna, MINE, "read"), berta, HIDDEN):
        assert client.simulate_get("/api/upcoming", headers=who).status_code == 200
    of_anna, of_her_key, of_berta, of_operator = counted
    assert of_anna == of_her_key
    assert len({of_anna, of_berta, None}) == 3
    assert of_operator is None


def test_the_look_for_all_listeners_counts_in_no_share_of_who_came_first(guarded: GivenSystem) -> None:
    found: list[UUID | None] = []

    async def run(*_args: Any) -> Any:
        found.append(PERSON.get())
        raise Unavailable("enough")

    async def join() -> None:
        PERSON.set(uuid4())
        nothing: Any = None
        threads: Any = SimpleNamespace(run=run)
        made = hub.Hub(guarded, threads, nothing, threading.Event())
        with pytest.raises(Unavailable, match="enough"):
            await made.join(listener())
        await made.process_shutdown(None, None)

    asyncio.run(join())
    assert found == [None]
