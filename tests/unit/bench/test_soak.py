"""The soak's own parts: the pace of its load, and the judge of what grows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.soak import costs, report
from bench.soak.load import Load, body
from bench.soak.watching import Lateness, Sample
from bench.waiting import until
from tests.integration.execution.answering import answering

MINUTES = [float(at) for at in range(31)]


def samples(megabytes: Callable[[float], float], files: Callable[[float], int] = lambda _: 40) -> list[Sample]:
    return [Sample(60 * at, megabytes(at), files(at), threads=12) for at in MINUTES]


def test_what_grew_at_its_start_and_is_flat_since_is_not_named() -> None:
    assert report.growing({"web": samples(lambda at: 80 + min(at, 14))}) == []


@pytest.mark.parametrize(
    ("grown", "words"),
    [
        (samples(lambda at: 80 + 0.5 * at), "web grows: 88.2 MB after half of the time, 94.2 MB at the end"),
        (samples(lambda _: 80, int), "web grows: 16 file handles after half of the time, 28 at the end"),
        ([], "web: there are no samples"),
    ],
    ids=["memory", "file handles", "nothing"],
)
def test_what_grows_to_the_end_is_named(grown: list[Sample], words: str) -> None:
    assert report.growing({"web": grown}) == [words]


def test_a_short_time_has_few_samples_and_is_judged_all_the_same() -> None:
    few = [Sample(at, megabytes, files=40, threads=12) for at, megabytes in ((10, 80), (20, 81), (30, 90))]
    assert report.growing({"web": few}) == ["web grows: 81.0 MB after half of the time, 90.0 MB at the end"]


def test_what_the_servers_hold_is_shown_and_not_judged() -> None:
    held = {"postgresql": samples(lambda at: 100 + 10 * at)}
    assert report.growing(held) == []
    *_, line, connections = report.table(held, {"carillon web": [3, 9, 8]})
    assert line.split() == ["postgresql", "115.0", "265.0", "385.0", "400.0", "40", "40", "40", "12", "12"]
    assert connections == "connections of carillon web: 3 at first, 8 at last, 9 at most"


def test_the_worst_minute_is_named_beside_all() -> None:
    worst = Lateness(runs=10, p50=3, p99=80, longest=90)
    told = report.lateness_line(Lateness(runs=20, p50=2, p99=9, longest=90), [Lateness(10, 1, 5, 6), worst])
    assert told == "lateness of 20 runs: 2.0 ms (p50), 9.0 ms (p99), 90 ms at most; p99 of the worst minute 80.0 ms"


def test_what_a_run_costs_is_shown_beside_a_fixed_piece_of_work() -> None:
    used = [Sample(60 * at, 80, processor_seconds=0.9 * at * (1 + at / 30), fixed_work=6 + at / 10) for at in MINUTES]
    _, web, work = costs.table({"web": used}, lambda since, until: int(until - since))
    assert web.split() == ["web", "16.50", "31.50", "43.50"]
    assert work.split() == ["fixed", "work,", "ms", "6.00", "7.50", "8.70"]


def test_a_stretch_in_which_nothing_ended_costs_nothing_that_could_be_told() -> None:
    _, web, _ = costs.table({"web": samples(lambda _: 80)}, lambda _since, _until: 0)
    assert web.split() == ["web", "-", "-", "-"]


def test_the_load_sends_as_many_jobs_as_are_allowed_and_counts_what_is_refused() -> None:
    with answering() as server, Load(f"http://127.0.0.1:{server.server_address[1]}") as load:
        load.allowed = 7
        until(lambda: sum(load.refused.values()) == 7, "seven answers")  # 200, where 201 is wanted
        assert (load.sent, dict(load.refused), len(server.got)) == (7, {"200": 7}, 7)


def test_half_of_the_jobs_are_due_at_once_and_half_later() -> None:
    assert [body(number)["schedule"]["type"] for number in range(1, 5)] == ["immediate", "run_at"] * 2
