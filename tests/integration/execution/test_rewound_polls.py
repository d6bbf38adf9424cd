"""A poll whose state is rewound while it is under way: however it ends, its key is not sent with another state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core import polls
from core.errors import AbortReason
from core.principals import LOCAL
from core.schedules import Polling
from core.states import Hold, JobState, Outcome, RunStatus, Trigger
from models.hot import endings
from services.execution import careful_recording, rescue
from services.execution.reports import Sender, fail
from services.execution.work import Deferred, Stopped, Work
from services.jobs import lifecycle, polling_states, requested_runs
from services.maintenance import rescues
from services.scheduling import dispatching
from tests.factories import (
    GivenSystem,
    attempts_at,
    claim_one,
    failed,
    first_run,
    in_threads,
    polled,
    record,
    refused,
    runs_of,
    stored_job,
    stored_run,
)
from tests.integration.execution.attempting import LEASE_SECONDS, SHUTDOWN, attempt, make_due_again
from tests.integration.execution.reporting import FAULT

End = Callable[[GivenSystem, Work], object]


def under_way(system: GivenSystem, **about: Any) -> Work:
    """The third poll of a job, made with the state of page 2."""
    run = first_run(system, Polling(30), **about)
    for page in (1, 2):
        attempt(system, polled({"page": page}))
        make_due_again(system, runs_of(run.job_id)[-1].id)
    return claim_one(system)


def rewound(system: GivenSystem, **about: Any) -> Work:
    """A poll of which the state was rewound, from page 2 to page 1, while it is under way."""
    work = under_way(system, **about)
    polling_states.rewind(LOCAL, system, work.job_id, 1)
    return work


def fails(system: GivenSystem, work: Work) -> None:
    record(system, work, failed())


def fails_oddly(system: GivenSystem, work: Work) -> None:
    careful_recording._record_best_effort(system, work, failed())


def loses_its_worker(system: GivenSystem, _work: Work) -> None:
    system.clock.advance(LEASE_SECONDS + 1)
    assert rescues.rescue(system) == 1


def is_left_at_the_start(system: GivenSystem, work: Work) -> None:
    assert rescue.take_back(system, [work.run_id], only_expired=False).count == 1


def is_handed_back(system: GivenSystem, work: Work) -> None:
    record(system, work, SHUTDOWN)


def finds_its_connection_closed(system: GivenSystem, work: Work) -> None:
    record(system, work, Stopped(AbortReason.CONNECTION_CLOSED))


def is_reported_as_failed(system: GivenSystem, work: Work) -> None:
    record(system, work, Deferred())
    fail(system, Sender(work.run_id, work.report_token), FAULT)


def is_reported_before_its_202(system: GivenSystem, work: Work) -> None:
    fail(system, Sender(work.run_id, work.report_token), FAULT)
    assert record(system, work, Deferred()) is None


def is_never_reported(system: GivenSystem, work: Work) -> None:
    record(system, work, Deferred())
    system.clock.advance(system.settings.report_lease_seconds + 1)
    assert rescues.rescue(system) == 1


ENDS: dict[End, Outcome] = {
    fails: Outcome.FAILED,
    fails_oddly: Outcome.FAILED,
    loses_its_worker: Outcome.LOST,
    is_left_at_the_start: Outcome.LOST,
    is_handed_back: Outcome.RELEASED,
    finds_its_connection_closed: Outcome.RELEASED,
    is_reported_as_failed: Outcome.FAILED,
    is_reported_before_its_202: Outcome.FAILED,
    is_never_reported: Outcome.FAILED,
}


@pytest.mark.parametrize(("end", "outcome"), ENDS.items(), ids=[end.__name__ for end in ENDS])
def test_a_rewound_poll_gives_way_to_one_with_its_own_key_and_the_state_rewound_to(
    system: GivenSystem, end: End, outcome: Outcome
) -> None:
    work = rewound(system)
    end(system, work)
    *_, old, new = runs_of(work.job_id)
    assert (old.id, old.status, old.reason) == (work.run_id, RunStatus.CANCELLED, polls.REWOUND)
    assert [one.outcome for one in attempts_at(old.id)] == [outcome]
    assert (new.status, new.trigger, new.attempt_count) == (RunStatus.PENDING, Trigger.POLL, 0)
    make_due_again(system, new.id)
    again = claim_one(system)
    assert (again.run_id, again.attempt, again.polling_state) == (new.id, 1, {"page": 1})
    record(system, again, polled({"page": 7}))
    assert stored_job(work.job_id).polling_state == {"page": 7}, "its own answer counts"


@pytest.mark.parametrize("end", [fails, loses_its_worker, is_handed_back, is_never_reported])
def test_a_poll_that_was_not_rewound_is_tried_again_under_its_key(system: GivenSystem, end: End) -> None:
    work = under_way(system)
    end(system, work)
    assert runs_of(work.job_id)[-1].id == work.run_id
    assert stored_run(work.run_id).status in (RunStatus.RETRYING, RunStatus.QUEUED)


def test_the_new_poll_waits_as_long_as_the_retry_would_have(system: GivenSystem) -> None:
    work = rewound(system, retry_backoff_base=100)
    now = system.clock.now()
    fails(system, work)
    assert 100 <= (runs_of(work.job_id)[-1].due_at - now).total_seconds() < 110


@pytest.mark.parametrize("is_under_way", [True, False])
def test_the_new_poll_has_the_data_that_was_given_for_the_former(system: GivenSystem, is_under_way: bool) -> None:
    former = under_way(system)
    record(system, former, refused())
    requested_runs.replay(LOCAL, system, former.run_id, {"n": 7})
    work = claim_one(system)
    if is_under_way:
        polling_states.rewind(LOCAL, system, work.job_id, 1)
    fails(system, work)
    if not is_under_way:
        polling_states.rewind(LOCAL, system, work.job_id, 1)
    new = runs_of(work.job_id)[-1]
    assert (new.id == work.run_id, new.data) == (False, {"n": 7})


def test_the_new_poll_of_a_job_that_was_paused_meanwhile_is_held(system: GivenSystem) -> None:
    work = rewound(system)
    lifecycle.pause(LOCAL, system, work.job_id)
    is_handed_back(system, work)
    new = runs_of(work.job_id)[-1]
    system.clock.advance(1)
    assert dispatching.make_due(system, [new.id]) == 0
    assert stored_run(new.id).held_by is Hold.PAUSED


def test_a_new_poll_within_the_window_is_rung_for(system: GivenSystem) -> None:
    work = rewound(system, retry_backoff_base=5)
    system.doorbell.heard()
    fails(system, work)
    new = runs_of(work.job_id)[-1]
    assert [(ring.run_id, ring.due_at) for ring in system.doorbell.heard()] == [(new.id, new.due_at)]


def test_a_rewound_poll_that_fails_for_good_fails_its_job(system: GivenSystem) -> None:
    work = rewound(system)
    record(system, work, refused())
    assert runs_of(work.job_id)[-1].id == work.run_id
    assert stored_job(work.job_id).state is JobState.FAILED


def test_where_the_new_poll_cannot_be_stored_its_job_fails(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, write = rewound(system), endings.write

    def refuse(ends: Any, now: Any) -> None:
        if ends.following:
            raise ValueError
        write(ends, now)

    monkeypatch.setattr(endings, "write", refuse)
    careful_recording.record(system, [(work, failed())])
    assert stored_run(work.run_id).status is RunStatus.CANCELLED
    assert stored_job(work.job_id).state is JobState.FAILED


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_whichever_comes_first_a_rewind_or_the_end_of_an_attempt_no_key_has_two_states(system: GivenSystem) -> None:
    works = [under_way(system) for _ in range(20)]

    def act(number: int) -> None:
        for work in works:
            if number:
                polling_states.rewind(LOCAL, system, work.job_id, 1)
            else:
                fails(system, work)

    in_threads(2, act)
    for work in works:
        assert_one_poll_follows(work.job_id, work.run_id)


def assert_one_poll_follows(job_id: UUID, former: UUID) -> None:
    waiting = [run for run in runs_of(job_id) if run.finished_at is None]
    assert [(run.id == former, run.attempt_count) for run in waiting] == [(False, 0)]
