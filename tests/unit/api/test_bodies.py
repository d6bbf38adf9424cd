"""Where bodies are parsed: what would hold up the event loop is not parsed on it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from api import bodies
from api.bodies import QUICK_BYTES, ParsedOnEventLoopError
from api.threads import Threads

SMALL, LARGE = (b'"' + b"x" * (length - 2) + b'"' for length in (QUICK_BYTES, QUICK_BYTES + 1))


def test_a_large_body_is_refused_on_the_event_loop_and_taken_in_a_thread() -> None:
    async def parse(body: bytes) -> object:
        return bodies.parse(body)

    assert asyncio.run(parse(SMALL)) == bodies.parse(SMALL)
    with pytest.raises(ParsedOnEventLoopError):
        asyncio.run(parse(LARGE))
    assert len(str(bodies.parse(LARGE))) == QUICK_BYTES - 1


def test_only_a_large_body_costs_a_thread() -> None:
    def parsed_in(body: bytes) -> threading.Thread:
        bodies.parse(body)
        return threading.current_thread()

    threads = Threads(1)
    here, elsewhere = (asyncio.run(bodies.parsed(body, threads, parsed_in)) for body in (SMALL, LARGE))
    assert here is threading.current_thread() is not elsewhere
