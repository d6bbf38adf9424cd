"""What a job shows, from what is stored of it and from its runs."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from core.states import ENDED, GOING, LIVE, JobState, JobStatus, RunStatus, shown_status

ANY_GOING = list(chain.from_iterable(combinations(GOING, size) for size in range(len(GOING) + 1)))


@pytest.mark.parametrize(
    ("going", "shown"),
    [
        (set(), JobStatus.PENDING),
        ({RunStatus.QUEUED}, JobStatus.QUEUED),
        ({RunStatus.RETRYING}, JobStatus.QUEUED),
        ({RunStatus.RUNNING}, JobStatus.RUNNING),
        ({RunStatus.QUEUED, RunStatus.RETRYING}, JobStatus.QUEUED),
        ({RunStatus.QUEUED, RunStatus.RUNNING}, JobStatus.RUNNING),
        ({RunStatus.RETRYING, RunStatus.RUNNING}, JobStatus.RUNNING),
    ],
)
def test_an_active_job_shows_what_its_runs_do(going: set[RunStatus], shown: JobStatus) -> None:
    assert shown_status(JobState.ACTIVE, going) is shown


@pytest.mark.parametrize("state", [state for state in JobState if state is not JobState.ACTIVE])
@pytest.mark.parametrize("going", ANY_GOING)
def test_any_other_job_shows_its_state_whatever_its_runs_do(state: JobState, going: tuple[RunStatus, ...]) -> None:
    assert shown_status(state, going).value == state.value


def test_every_stored_state_but_active_can_be_shown() -> None:
    assert {state.value for state in JobState} - {status.value for status in JobStatus} == {"active"}


def test_what_is_over_is_not_live() -> None:
    over = {
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.CANCELLED,
        RunStatus.SKIPPED,
        RunStatus.MISSED,
    }
    assert over == set(RunStatus) - set(LIVE)
    assert set(LIVE) - set(GOING) == {RunStatus.PENDING}
    assert set(ENDED) == {JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED}
