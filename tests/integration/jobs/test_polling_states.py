"""The states of polling are kept, and polling can go back to one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import polls
from core.errors import AbortReason, Conflict, NotFound
from core.principals import LOCAL
from core.schedules import Polling
from core.states import JobStatus, RunStatus
from models import polling_states as queries
from models import sized
from services.execution.work import Stopped
from services.jobs import lifecycle, polling_states, requested_runs
from services.reading import records
from tests.factories import NOON, GivenSystem, claim_one, failed, first_run, polled, record, refused, runs_of, succeeded
from tests.integration.execution.attempting import attempt, make_due_again


def polled_to(system: GivenSystem, page: int) -> UUID:
    """A job whose polls came to pages 1, 2 and so on."""
    run = first_run(system, Polling(30))
    for number in range(1, page + 1):
        attempt(system, polled({"page": number}))
        make_due_again(system, runs_of(run.job_id)[-1].id)
    return run.job_id


def states(job_id: UUID) -> list[tuple[int, dict[str, Any]]]:
    return [(one.version, one.state) for one in polling_states.history(LOCAL, job_id).states]


def test_every_state_is_kept_with_its_version_newest_first(system: GivenSystem) -> None:
    job_id = polled_to(system, 2)
    assert states(job_id) == [(2, {"page": 2}), (1, {"page": 1}), (0, {})]
    instants = [one.created_at for one in polling_states.history(LOCAL, job_id).states]
    assert instants == [NOON + timedelta(seconds=30), NOON, NOON]


def test_a_job_that_was_not_polled_yet_has_its_first_state(system: GivenSystem) -> None:
    assert states(first_run(system, Polling(30)).job_id) == [(0, {})]


def test_only_the_newest_states_are_kept(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "KEPT", 3)
    assert [version for version, _ in states(polled_to(system, 5))] == [5, 4, 3]


def test_large_states_are_listed_a_part_at_a_time(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = polled_to(system, 3)
    found = []
    monkeypatch.setattr(sized, "MAX_BYTES_IN_PAGE", len('{"page":1}') * 2)
    before = None
    while (page := polling_states.history(LOCAL, job_id, before)).more:
        found.append([one.version for one in page.states])
        before = page.states[-1].version
    assert [*found, [one.version for one in page.states]] == [[3, 2], [1, 0]]
    monkeypatch.setattr(sized, "MAX_BYTES_IN_PAGE", 1)
    assert [one.version for one in polling_states.history(LOCAL, job_id, 3).states] == [2]


def test_polling_goes_on_from_the_state_it_was_rewound_to(system: GivenSystem) -> None:
    job_id = polled_to(system, 3)
    assert polling_states.rewind(LOCAL, system, job_id, 1).polling_state == {"page": 1}
    assert states(job_id)[:2] == [(4, {"page": 1}), (3, {"page": 3})]
    work, _ = attempt(system, polled({"page": 2}))
    assert (work.polling_state, work.polling_version) == ({"page": 1}, 4)
    assert states(job_id)[0] == (5, {"page": 2})


def test_the_answer_to_a_poll_that_was_going_does_not_undo_a_rewind(system: GivenSystem) -> None:
    job_id = polled_to(system, 2)
    work = claim_one(system)
    polling_states.rewind(LOCAL, system, job_id, 0)
    record(system, work, polled({"page": 3}))
    assert states(job_id)[0] == (3, {})
    assert records.job(LOCAL, job_id).status is JobStatus.PENDING, "polling goes on"


def test_a_rewind_sends_no_key_with_another_state(system: GivenSystem) -> None:
    """A poll that waits to be tried again gives way to a new one, at the instant at which it would have come."""
    job_id = polled_to(system, 2)
    former, _ = attempt(system, failed())
    retry_at = runs_of(job_id)[-1].due_at
    polling_states.rewind(LOCAL, system, job_id, 1)
    *_, old, new = runs_of(job_id)
    assert (old.id, old.status, old.reason) == (former.run_id, RunStatus.CANCELLED, polls.REWOUND)
    assert (new.status, new.due_at) == (RunStatus.PENDING, retry_at)
    make_due_again(system, new.id)
    work = claim_one(system)
    assert (work.run_id, work.polling_state) == (new.id, {"page": 1})


def test_a_poll_that_was_handed_back_gives_way_at_once(system: GivenSystem) -> None:
    job_id = polled_to(system, 2)
    attempt(system, Stopped(AbortReason.SHUTDOWN))
    system.clock.advance(1)
    polling_states.rewind(LOCAL, system, job_id, 1)
    work = claim_one(system)
    assert (work.attempt, work.polling_state) == (1, {"page": 1})


def test_a_failed_job_is_rewound_and_then_retried(system: GivenSystem) -> None:
    job_id = polled_to(system, 2)
    attempt(system, refused())
    polling_states.rewind(LOCAL, system, job_id, 1)
    requested_runs.retry(LOCAL, system, job_id)
    assert claim_one(system).polling_state == {"page": 1}


def test_a_version_that_is_not_kept_is_not_found(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "KEPT", 2)
    job_id = polled_to(system, 3)
    for version in (0, 1, 4):
        with pytest.raises(NotFound, match=f"version {version}"):
            polling_states.rewind(LOCAL, system, job_id, version)
    assert records.job(LOCAL, job_id).polling_state == {"page": 3}


def test_what_does_not_poll_or_polls_no_more_is_not_rewound(system: GivenSystem) -> None:
    job_id = first_run(system).job_id
    with pytest.raises(Conflict, match="has no polling state"):
        polling_states.history(LOCAL, job_id)
    with pytest.raises(Conflict, match="has no polling state"):
        polling_states.rewind(LOCAL, system, job_id, 0)
    attempt(system, succeeded())
    job_id = polled_to(system, 1)
    lifecycle.cancel(LOCAL, system, job_id)
    with pytest.raises(Conflict, match="cancelled"):
        polling_states.rewind(LOCAL, system, job_id, 0)
    with pytest.raises(NotFound):
        polling_states.rewind(LOCAL, system, uuid4(), 0)
