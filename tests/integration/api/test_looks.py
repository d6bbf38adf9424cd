"""Looks of the hub: what one that fails takes back, and who counts while it goes on."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from api.live import allowances, hub, rounds
from api.live.allowances import Allowance
from api.live.frames import Told
from core.errors import DatabaseUnavailable, Unavailable
from core.principals import Principal, PrincipalKind
from models.fields import new_id
from tests.factories import GivenSystem, claim_one, first_run
from tests.integration.api.channels import OWN_JOBS, opened
from tests.integration.api.client import served
from tests.integration.api.listeners import listener
from tests.integration.api.listening import conducted
from tests.waiting import LONGEST


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.01)


def fail_next_look(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Make the next look fail after it has read everything for its listeners; the event is set then."""
    has_failed, carry_out = threading.Event(), rounds.carry_out

    def fail(*given: Any) -> Any:
        carry_out(*given)
        monkeypatch.setattr(rounds, "carry_out", carry_out)
        has_failed.set()
        raise DatabaseUnavailable("The database is away.")

    monkeypatch.setattr(rounds, "carry_out", fail)
    return has_failed


def test_000_tells_with_the_next_look_what_one_that_failed_had_read(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = first_run(system)

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, f"/ws/jobs/{run.job_id}") as channel:
            with system.transaction():  # no look comes in between
                claim_one(system)
                has_failed = fail_next_look(monkeypatch)
            assert (await channel.next())["log"]["event_type"] == "execution_started"
            assert has_failed.is_set()

    asyncio.run(scene())


def test_004_answers_with_the_next_look_what_was_asked_before_one_that_failed(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, OWN_JOBS) as channel:
            await channel.next(type="stats")
            has_failed = fail_next_look(monkeypatch)
            await channel.ask(command="get_jobs")
            assert (await channel.next(type="jobs"))["data"] == []
            assert has_failed.is_set()

    asyncio.run(scene())


def test_004_answers_once_though_the_next_look_fails_before_it_begins(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        has_failed, ask_again = asyncio.Event(), hub.Hub._ask_again

        async def fail(_hub: hub.Hub) -> None:
            monkeypatch.setattr(hub.Hub, "_ask_again", ask_again)
            has_failed.set()
            raise DatabaseUnavailable("The database is away.")

        async with conducted(served(system)) as conductor, opened(conductor, OWN_JOBS) as channel:
            await channel.ask(command="get_jobs")
            await channel.next(type="jobs")
            monkeypatch.setattr(hub.Hub, "_ask_again", fail)
            async with asyncio.timeout(LONGEST):
                await has_failed.wait()
            await channel.ask(command="get_stats")
            while (frame := await channel.next())["type"] != "stats":
                assert frame["type"] != "jobs", "the question was answered twice"

    asyncio.run(scene())


def test_who_must_load_anew_is_told_with_the_next_look_if_one_fails(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_failed, is_noted = threading.Event(), threading.Event()
    granted, carry_out = Allowance.granted, rounds.carry_out

    def note(allowance: Allowance, told: Told | None, now: float) -> Told | None:
        given = granted(allowance, told, now)
        if told and given is not None:
            is_noted.set()
        return given

    def fail_a_second_later(look: Any, now: float, *given: Any) -> Any:
        system.clock.advance(1)
        carry_out(look, now + 1, *given)
        monkeypatch.setattr(rounds, "carry_out", carry_out)
        has_failed.set()
        raise DatabaseUnavailable("The database is away.")

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, OWN_JOBS) as channel:
            first_run(system)
            await channel.next(type="reset")
            first_run(system)  # within the same second
            assert await asyncio.to_thread(is_noted.wait, LONGEST)
            monkeypatch.setattr(rounds, "carry_out", fail_a_second_later)
            await channel.next(type="reset")
            assert has_failed.is_set()

    monkeypatch.setattr(allowances, "MAX_A_SECOND", 0)
    monkeypatch.setattr(Allowance, "granted", note)
    asyncio.run(scene())


def test_those_whom_a_look_takes_in_count_while_it_goes_on(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: Any = None
    made = hub.Hub(system, nothing, nothing, threading.Event())
    monkeypatch.setattr(hub, "MAX_OF_A_CALLER", 1)
    anna = Principal(PrincipalKind.USER, user_id=new_id())

    async def scene() -> None:
        looks, goes_on = asyncio.Event(), asyncio.Event()

        class Looking:
            async def run(self, *_given: Any) -> Any:
                looks.set()
                await goes_on.wait()
                return {first: []}, "1"

        monkeypatch.setattr(made, "_threads", Looking())
        first = listener(principal=anna)
        joining = asyncio.create_task(made.join(first))
        await looks.wait()
        with pytest.raises(Unavailable, match="close some"):
            await made.join(listener(principal=anna))
        goes_on.set()
        await joining
        await made.process_shutdown(None, None)

    asyncio.run(scene())
