"""The parts of a drill: what is sent again, what was delivered, and what the verdict says."""

from __future__ import annotations

import pytest
import requests

from bench.drills.load import Load, body
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict, missing
from bench.waiting import until
from tests.waiting import LONGEST


def called(receiver: Receiver, run: str, job: str) -> None:
    headers = {"X-Carillon-Run-Id": run, "X-Carillon-Job-Id": job}
    assert requests.post(f"{receiver.url}/drill", json={}, headers=headers, timeout=LONGEST).ok


def test_the_receiver_knows_the_jobs_and_the_repeated_runs() -> None:
    with Receiver() as receiver:
        for run, job in (("r1", "j1"), ("r2", "j1"), ("r2", "j1"), ("r3", "j2")):
            called(receiver, run, job)
        assert (receiver.jobs(), receiver.repeated(), receiver.total()) == ({"j1", "j2"}, {"r2"}, 4)


def test_what_nobody_answers_is_sent_again_and_not_taken_for_acknowledged() -> None:
    with Load(["http://127.0.0.1:9"], per_second=1_000, threads=1) as load:
        until(lambda: load.refused["ConnectionError"] > 1, "a second try")
    assert load.acknowledged() == []


@pytest.mark.parametrize(
    ("checks", "status"), [([], 1), ([True], 0), ([True, False], 1)], ids=["of nothing", "good", "broken"]
)
def test_a_verdict_is_good_if_something_was_checked_and_all_holds(
    checks: list[bool], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = Verdict("a drill")
    for holds in checks:
        verdict.expect(holds=holds, found="something")
    assert verdict.told() == status
    assert capsys.readouterr().out.count("BROKEN") == checks.count(False)


def test_what_is_only_noted_does_not_count_as_checked(capsys: pytest.CaptureFixture[str]) -> None:
    verdict = Verdict("a drill")
    verdict.note("It took 3 s.")
    assert verdict.told() == 1
    assert "It took 3 s." in capsys.readouterr().out


def test_a_job_that_was_never_delivered_is_counted() -> None:
    assert missing(["a", "b", "c"], {"a", "c"}) == "3 jobs were acknowledged, 1 of them were never delivered"


def test_the_load_has_jobs_that_are_due_later() -> None:
    kinds = {body(number)["schedule"]["type"] for number in range(20)}
    assert kinds == {"immediate", "delay_from_now"}
