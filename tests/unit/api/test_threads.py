"""The threads in which requests wait."""

from __future__ import annotations

import asyncio
import threading

import pytest

from api.threads import Threads
from tests.waiting import until


def test_a_call_counts_until_it_ends_though_its_caller_waits_no_longer() -> None:
    threads, may_end = Threads(1), threading.Event()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.run(may_end.wait), 0.01)

    asyncio.run(give_up())
    assert threads.calls == 1
    may_end.set()
    until(lambda: threads.calls == 0, "the call to end")


def test_a_call_returns_or_raises_what_it_does() -> None:
    threads = Threads(1)
    assert asyncio.run(threads.run(max, 1, 2)) == 2
    with pytest.raises(ZeroDivisionError):
        asyncio.run(threads.run(divmod, 1, 0))
    assert threads.calls == 0
