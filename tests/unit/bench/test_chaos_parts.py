"""The parts of a chaos run: what is drawn from the seed, the proxy that is cut, and what is printed."""

from __future__ import annotations

import inspect
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from bench.chaos import answers, invariants, mutations, report
from bench.chaos.answers import Manner
from bench.chaos.evidence import Evidence
from bench.chaos.invariants.breaches import Breach
from bench.chaos.journal import Call, Journal
from bench.chaos.oracle import occurrences
from bench.chaos.proxy import Proxy
from bench.chaos.scenario import POLLS, Scenario
from bench.growth import command
from bench.growth.filling import Amounts

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()


def call(attempt: int = 1, task_type: str = "greet", polls: int | None = None) -> Call:
    return Call("r", "j", "r", attempt, task_type, NOON, polls=polls)


def number_of(wanted: Manner) -> int:
    return next(number for number in range(10_000) if answers.manner(7, number, 1) is wanted)


def test_a_cron_names_the_minutes_until_it_ends_and_none_before_it_was_accepted() -> None:
    schedule = {"type": "cron", "expression": "*/2 * * * *", "ends_at": "2026-03-01T12:06:00+00:00"}
    assert occurrences(schedule, NOON + 1) == [NOON + 120, NOON + 240]


def test_an_interval_counts_from_its_start_whenever_it_was_accepted() -> None:
    ends = {"starts_at": "2026-03-01T12:00:00+00:00", "ends_at": "2026-03-01T12:00:20+00:00"}
    schedule = {"type": "interval", "every_seconds": 5, **ends}
    assert occurrences(schedule, NOON + 6) == [NOON + 10, NOON + 15]


def test_answers_are_the_same_for_the_same_seed_and_as_frequent_as_they_are_to_be() -> None:
    drawn = [answers.manner(7, number, 1) for number in range(5_000)]
    assert drawn == [answers.manner(7, number, 1) for number in range(5_000)]
    assert drawn != [answers.manner(8, number, 1) for number in range(5_000)]
    count = Counter(drawn)
    assert set(count) == set(Manner)
    assert 0.75 < count[Manner.WELL] / 5_000 < 0.85


@pytest.mark.parametrize("wanted", [Manner.ERROR, Manner.BUSY, Manner.HANG, Manner.RESET])
def test_what_keeps_a_first_attempt_from_success_does_not_meet_the_second(wanted: Manner) -> None:
    first = answers.answer(7, number_of(wanted), call())
    assert first.resets or first.status in (429, 500)
    assert answers.answer(7, number_of(wanted), call(attempt=2)).status == 200


def test_polling_is_done_after_so_many_polls_and_later_is_answered_202() -> None:
    number = number_of(Manner.WELL)
    assert b'"done": false' in answers.answer(7, number, call(task_type="poll", polls=POLLS - 2)).body
    assert b'"done": true' in answers.answer(7, number, call(task_type="poll", polls=POLLS - 1)).body
    assert answers.answer(7, number, call(task_type="later")).status == 202


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends back what it gets; its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    while data := connection.recv(100):
                        connection.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]


def sent_back(connection: socket.socket) -> bytes:
    connection.settimeout(30)
    try:
        connection.sendall(b"x")
        return connection.recv(100)
    except OSError:
        return b""


def test_a_proxy_that_is_cut_ends_what_is_open_and_refuses_what_comes_until_it_is_mended(echo: int) -> None:
    with Proxy(echo) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port)) as before:
            assert sent_back(before) == b"x"
            proxy.cut()
            assert sent_back(before) == b""
        with socket.create_connection(("127.0.0.1", proxy.port)) as meanwhile:
            assert sent_back(meanwhile) == b""
        proxy.mend()
        with socket.create_connection(("127.0.0.1", proxy.port)) as after:
            assert sent_back(after) == b"x"


def test_each_mutation_names_the_invariants_that_it_must_break() -> None:
    assert set(mutations.CAUGHT_BY) == set(mutations.PATCHES)
    assert all(numbers <= set(invariants.INVARIANTS) for numbers in mutations.CAUGHT_BY.values())


@pytest.mark.parametrize("name", mutations.PATCHES)
def test_each_mutation_is_called_as_what_it_replaces(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[tuple[Any, str, Callable[..., Any]]] = []
    monkeypatch.setattr(mutations, "_put", lambda *given: put.append(given))
    mutations.PATCHES[name]()
    assert put
    for owner, replaced, function in put:
        parameters = inspect.signature(getattr(owner, replaced)).parameters
        inspect.signature(function).bind(*parameters)


def test_a_breach_is_printed_with_its_ids_and_the_command_that_runs_it_again() -> None:
    breached = {3: [Breach(("some-run",), "still running")]}
    scenario = Scenario(seed=9, seconds=90, through_pgbouncer=True)
    printed = "\n".join(report.lines(scenario, Evidence(Journal(), 6), breached))
    assert "BROKEN 3: everything ends (1 times)\n  some-run: still running" in printed
    assert printed.endswith(".venv/bin/python -m bench chaos --minutes 1.5 --seed 9 --pgbouncer")


def test_what_grows_by_more_than_a_third_is_marked() -> None:
    sizes = [Amounts(10, 10, 10), Amounts(1_000, 10, 10)]
    lines = command.table(sizes, [{"claim": 2.0, "list": 10.0}, {"claim": 2.4, "list": 14.0}])
    assert [line.endswith("<") for line in lines[1:3]] == [False, True]
