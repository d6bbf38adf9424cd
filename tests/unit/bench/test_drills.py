"""The parts of a drill: what is sent again, what was delivered, and what the verdict says."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from bench.drills.answers import POLLS, by_kind
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict, missing
from tests.waiting import LONGEST


def called(receiver: Receiver, run: str, job: str, task_type: str = "drill", attempt: int = 1, **more: Any) -> Any:
    headers = {"Idempotency-Key": run, "X-Carillon-Run-Id": run, "X-Carillon-Job-Id": job}
    return requests.post(
        f"{receiver.url}/{task_type}",
        json={"payload": {"data": {}}, **more},
        headers={**headers, "X-Carillon-Attempt": str(attempt)},
        timeout=LONGEST,
    )


def test_the_receiver_knows_the_jobs_and_the_repeated_runs() -> None:
    with Receiver() as receiver:
        for run, job in (("r1", "j1"), ("r2", "j1"), ("r2", "j1"), ("r3", "j2")):
            assert called(receiver, run, job).ok
        assert (receiver.jobs(), receiver.repeated(), receiver.total()) == ({"j1", "j2"}, {"r2"}, 4)


def test_a_call_after_an_error_is_no_repetition_and_an_error_no_delivery() -> None:
    with Receiver(by_kind) as receiver:
        assert called(receiver, "r1", "j1", "retried").status_code == 500
        assert receiver.jobs() == set()
        assert called(receiver, "r1", "j1", "retried", attempt=2).ok
        assert (receiver.jobs(), receiver.repeated()) == ({"j1"}, set())
        called(receiver, "r1", "j1", "retried", attempt=3)
        assert receiver.repeated() == {"r1"}


def test_a_poll_is_answered_with_the_next_state_and_the_last_is_done() -> None:
    state: dict[str, int] = {}
    with Receiver(by_kind) as receiver:
        for poll in range(POLLS):
            answer = called(receiver, f"r{poll}", "j1", "poll", polling_state=state).json()
            state = answer["polling_state"]
            assert answer["done"] is (poll == POLLS - 1)
        assert [call.polls for call in receiver.calls_by_job()["j1"]] == list(range(POLLS))


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
