"""One person's slow requests leave threads to others, whoever asked first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from uuid import UUID, uuid4

import pytest

from api.threads import PERSON, Threads
from tests.waiting import LONGEST, until

ADA, BEN = uuid4(), uuid4()


class Blocked:
    """Calls that wait until they are let go; `begun` has their names in the order in which they began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._may_end = threading.Semaphore(0)

    def call(self, name: str) -> str:
        self.begun.append(name)
        assert self._may_end.acquire(timeout=LONGEST)
        return name

    def let_go(self, count: int = 100) -> None:
        self._may_end.release(count)


@pytest.fixture
def blocked() -> Iterator[Blocked]:
    made = Blocked()
    yield made
    made.let_go()


def ask(threads: Threads, person: UUID | None, call: Callable[[str], str], name: str) -> asyncio.Task[str]:
    """A request of a person, in a context of its own as a server has it."""

    async def request() -> str:
        PERSON.set(person)
        return await threads.run(call, name)

    return asyncio.create_task(request())


async def begun(blocked: Blocked, count: int) -> None:
    await asyncio.to_thread(until, lambda: len(blocked.begun) >= count, f"{count} calls to begin")


def test_another_is_served_while_one_waits_for_all_of_their_share_and_nobody_is_refused(blocked: Blocked) -> None:
    threads = Threads(6)

    async def go() -> None:
        adas = [ask(threads, ADA, blocked.call, name) for name in "abcdefgh"]
        await begun(blocked, 2)
        assert await ask(threads, BEN, str, "ben") == "ben"
        assert await ask(threads, None, str, "nobody") == "nobody"
        assert blocked.begun == ["a", "b"], "a third of six"
        assert threads.calls == 8, "those that wait count, too"
        blocked.let_go()
        assert await asyncio.gather(*adas) == [*"abcdefgh"], "in the order in which they were asked for"

    asyncio.run(go())
    assert blocked.begun == sorted(blocked.begun)
    until(lambda: threads.calls == 0, "the last call to be counted")


def test_one_person_has_one_thread_at_least(blocked: Blocked) -> None:
    threads = Threads(2)

    async def go() -> None:
        adas = [ask(threads, ADA, blocked.call, name) for name in "ab"]
        await begun(blocked, 1)
        assert await ask(threads, BEN, str, "ben") == "ben"
        assert blocked.begun == ["a"]
        blocked.let_go()
        assert await asyncio.gather(*adas) == ["a", "b"]

    asyncio.run(go())


def test_a_thread_that_is_free_again_serves_who_came_before_the_next_of_the_same_person(blocked: Blocked) -> None:
    threads = Threads(1)

    async def go() -> None:
        adas = [ask(threads, ADA, blocked.call, name) for name in ("ada 1", "ada 2", "ada 3")]
        await begun(blocked, 1)
        ben = ask(threads, BEN, blocked.call, "ben")
        await asyncio.sleep(0)
        blocked.let_go()
        await asyncio.gather(*adas, ben)

    asyncio.run(go())
    assert blocked.begun == ["ada 1", "ben", "ada 2", "ada 3"]


def test_who_gives_up_has_no_further_thread_meanwhile_and_what_waited_is_not_begun(blocked: Blocked) -> None:
    threads = Threads(3)

    async def go() -> None:
        gone = [ask(threads, ADA, blocked.call, name) for name in ("goes on", "never begins")]
        await begun(blocked, 1)
        for one in gone:
            one.cancel()
        await asyncio.wait(gone)
        later = ask(threads, ADA, blocked.call, "later")
        assert await ask(threads, BEN, str, "ben") == "ben"
        assert blocked.begun == ["goes on"], "the thread is not free"
        blocked.let_go()
        assert await later == "later"

    asyncio.run(go())
    assert blocked.begun == ["goes on", "later"]


def test_a_call_that_fails_makes_room_for_the_next() -> None:
    threads = Threads(1)

    def fail(name: str) -> str:
        raise ValueError(name)

    async def go() -> None:
        asked = [ask(threads, ADA, fail, name) for name in "abc"]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in found] == [ValueError] * 3
        assert await ask(threads, ADA, str, "ada") == "ada"

    asyncio.run(go())


def test_what_waits_for_its_share_ends_with_the_server(blocked: Blocked) -> None:
    threads = Threads(1)

    async def go() -> None:
        goes_on, waits = (ask(threads, ADA, blocked.call, name) for name in "ab")
        await begun(blocked, 1)
        await threads.process_shutdown(None, None)
        with pytest.raises(asyncio.CancelledError):
            await waits
        blocked.let_go()
        assert await goes_on == "a"
        assert await ask(threads, ADA, str, "anew") == "anew"

    asyncio.run(go())
    assert blocked.begun == ["a"]
