"""The departure of a client is told once, whether it is asked for before or after it."""

from __future__ import annotations

import asyncio
from typing import Any

from api.departures import Departure


def departure_of(*events: str) -> Departure:
    """That of a client of whom these events come."""
    coming = list(events)

    async def receive() -> dict[str, Any]:
        return {"type": coming.pop(0)}

    return Departure(receive)


def test_who_has_asked_is_told_once_and_all_that_comes_is_handed_on() -> None:
    told: list[str] = []
    departure = departure_of("http.request", "http.disconnect", "http.disconnect")
    departure.then(lambda: told.append("left"))

    async def scene() -> None:
        assert (await departure.receive())["type"] == "http.request"
        assert told == []
        for _ in range(2):
            assert (await departure.receive())["type"] == "http.disconnect"
            assert told == ["left"]

    asyncio.run(scene())


def test_who_asks_afterwards_is_told_at_once() -> None:
    told: list[str] = []
    departure = departure_of("http.disconnect")
    asyncio.run(departure.receive())
    departure.then(lambda: told.append("left"))
    assert told == ["left"]
