"""The mixed load of a drill: what it is made of, and what of each kind is no good end."""

from __future__ import annotations

import pytest

from bench.chaos.journal import Call
from bench.drills import losses
from bench.drills.answers import POLLS
from bench.drills.judging import judged
from bench.drills.kinds import MIXED, PLAIN, Kind, Seen, of_number
from bench.drills.load import Created
from bench.drills.losses import MAX_LAG_SECONDS, Failover
from bench.drills.sides import counted, has_both

BY_NAME = {kind.name: kind for kind in MIXED}
FAILOVER = Failover(followed_until=100, killed_at=102, promoted_at=103)


def call(
    run: str = "r", status: int = 200, attempt: int = 1, polls: int | None = None, edition: int | None = None
) -> Call:
    return Call(run, "j", run, attempt, "drill", 0.0, polls, edition, status=status)


def created(name: str, job: str = "j", at: float = 0.0, *, is_edited: bool = False) -> Created:
    return Created(job, 1, BY_NAME[name], at, is_edited)


def polled(*states: int) -> list[Call]:
    return [call(f"r{place}", polls=state) for place, state in enumerate(states)]


GOOD = {
    "immediate": Seen([call()]),
    "later": Seen([call()]),
    "retried": Seen([call(status=500), call(attempt=2)]),
    "polling": Seen(polled(*range(POLLS))),
    "limited": Seen([call()]),
    "letter": Seen([], letters=1),
    "interval": Seen([call(f"r{number}") for number in range(4)]),
    "edited": Seen([call(edition=1)]),
}
BAD = [
    ("immediate", Seen([])),
    ("later", Seen([call("r1"), call("r2")])),
    ("retried", Seen([call(status=500)])),
    ("retried", Seen([call(status=500), call(attempt=2), call(attempt=3)])),
    ("retried", Seen([call()])),
    ("polling", Seen(polled(0, 1, 1, 2, 3))),
    ("polling", Seen(polled(0, 2, 1, 3))),
    ("polling", Seen(polled(*range(POLLS - 1)))),
    ("limited", Seen([])),
    ("letter", Seen([])),
    ("letter", Seen([], letters=2)),
    ("interval", Seen([call(f"r{number}") for number in range(3)])),
    ("edited", Seen([call(edition=0)])),
]


def is_good(name: str, seen: Seen, state: str = "completed") -> bool:
    return judged(BY_NAME[name], [created(name, is_edited=name == "edited")], {"j": state}, {"j": seen})[0]


@pytest.mark.parametrize("kinds", [PLAIN, MIXED], ids=["plain", "mixed"])
def test_a_load_has_every_kind_of_its_own(kinds: tuple[Kind, ...]) -> None:
    assert {of_number(kinds, number) for number in range(100)} == set(kinds)


@pytest.mark.parametrize("name", BY_NAME)
def test_both_addresses_of_two_get_jobs_of_each_kind(name: str) -> None:
    assert {number % 2 for number in range(100) if of_number(MIXED, number).name == name} == {0, 1}


@pytest.mark.parametrize("name", BY_NAME)
def test_what_was_promised_of_a_kind_is_good_if_the_job_completed(name: str) -> None:
    assert is_good(name, GOOD[name])
    assert not is_good(name, GOOD[name], state="failed")


@pytest.mark.parametrize(("name", "seen"), BAD)
def test_anything_else_is_not(name: str, seen: Seen) -> None:
    assert not is_good(name, seen)


def test_a_first_attempt_that_was_given_back_before_its_call_is_not_missed() -> None:
    assert is_good("retried", Seen([call(attempt=2)]))


def test_a_kind_of_which_nothing_was_seen_is_not_good() -> None:
    assert not judged(BY_NAME["edited"], [], {}, {})[0]


def test_a_job_that_was_edited_too_late_is_not_judged_by_its_edition() -> None:
    jobs = [created("edited", "early", is_edited=True), created("edited", "late")]
    seen = {"early": Seen([call(edition=1)]), "late": Seen([call(edition=0)])}
    assert judged(BY_NAME["edited"], jobs, dict.fromkeys(seen, "completed"), seen)[0]


def test_both_sides_have_met_what_each_has_made_an_attempt_at() -> None:
    jobs = [created("limited", "a"), created("polling", "b")]
    attempts = [("a", 1), ("a", 2), ("b", 1), ("another load's", 2)]
    counts = counted(attempts, jobs, earlier=[1])
    assert has_both(counts, ["limited"])
    assert not has_both(counts, ["limited", "polling"])


@pytest.mark.parametrize(
    ("at", "may_be_lost"),
    [
        (100 - MAX_LAG_SECONDS - 0.1, False),
        (100 - MAX_LAG_SECONDS + 0.1, True),
        (101.9, True),
        (103.1, False),
    ],
)
def test_what_may_be_lost_was_acknowledged_while_the_standby_was_behind(at: float, *, may_be_lost: bool) -> None:
    jobs = [created("immediate", "kept", 50), created("immediate", "lost", at)]
    assert losses.judged(jobs, {"kept"}, FAILOVER)[0] is may_be_lost
    assert not losses.judged(jobs, {"kept"}, None)[0]
    assert losses.judged(jobs, {"kept", "lost"}, None)[0]


def test_a_loss_is_told_with_when_it_was_acknowledged() -> None:
    jobs = [created("immediate", "kept", 50), *(created("immediate", f"lost {at}", at) for at in (100.5, 101.9))]
    found = losses.judged(jobs, {"kept"}, FAILOVER)[1]
    assert found.startswith("2 of 3 acknowledged jobs are not stored: acknowledged 1.5 to 0.1 s before the kill")
