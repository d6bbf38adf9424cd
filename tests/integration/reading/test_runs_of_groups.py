"""The runs of a group of failures: those that an action on all of them acts on, cut to the newest."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from core.filters import RunFilter
from core.listing import Stretch
from core.principals import LOCAL
from core.states import Trigger
from models.tables import Run
from services.jobs import requested_runs
from services.reading import listing
from services.reading.counting import Counts
from services.reading.failures import failed_runs
from tests.factories import NOON, GivenSystem, stored_run
from tests.integration.pages.many import failing

BROKEN = RunFilter(failure="Broken.")


@pytest.fixture
def run_ids(system: GivenSystem) -> list[UUID]:
    """Three runs, the oldest first: that which broke, and two that failed for another reason."""
    found = failing(system, "Broken.", "Full.", "Full.")
    with system.transaction():
        for days, run_id in enumerate(reversed(found)):
            Run.update(finished_at=NOON - timedelta(days=days)).where(Run.id == run_id).execute()
    return found


def test_newer_failures_for_other_reasons_do_not_cut_a_group(
    system: GivenSystem, run_ids: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_runs, "MAX_READ", 1)
    assert failed_runs.runs_of_group(LOCAL, system, BROKEN) == failed_runs.RunsOfGroup((run_ids[0],), is_cut=False)
    monkeypatch.setattr(failed_runs, "_MAX_COMPARED", 2)
    assert failed_runs.runs_of_group(LOCAL, system, BROKEN) == failed_runs.RunsOfGroup((), is_cut=True)


def test_every_filter_holds_before_a_group_is_cut(
    system: GivenSystem, run_ids: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_runs, "MAX_READ", 1)
    full = RunFilter(failure="Full.")
    assert failed_runs.runs_of_group(LOCAL, system, full) == failed_runs.RunsOfGroup((run_ids[2],), is_cut=True)
    of_job = RunFilter(failure="Full.", job_id=stored_run(run_ids[1]).job_id)
    assert failed_runs.runs_of_group(LOCAL, system, of_job) == failed_runs.RunsOfGroup((run_ids[1],), is_cut=False)
    assert failed_runs.runs_of_group(LOCAL, system, RunFilter(failure="Full.", trigger=Trigger.RETRY)).ids == ()


def test_replays_that_are_not_over_are_counted_by_the_same_filters(system: GivenSystem, run_ids: list[UUID]) -> None:
    requested_runs.replay(LOCAL, system, run_ids[1])
    assert failed_runs.being_replayed(LOCAL, system, RunFilter(failure="Full.")) == 1
    assert failed_runs.being_replayed(LOCAL, system, RunFilter()) == 1
    assert failed_runs.being_replayed(LOCAL, system, BROKEN) == 0
    of_another = RunFilter(failure="Full.", job_id=stored_run(run_ids[2]).job_id)
    assert failed_runs.being_replayed(LOCAL, system, of_another) == 0


def test_a_list_of_a_group_is_paged_counted_and_says_where_it_is_cut(
    system: GivenSystem, run_ids: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, wanted = Counts(system.clock), RunFilter(failure="Full.")
    first = listing.found_runs(LOCAL, system, counts, wanted, Stretch(limit=1))
    rest = listing.found_runs(LOCAL, system, counts, wanted, Stretch(limit=1, after=first.last))
    assert [one.id for page in (first, rest) for one in page.items] == [run_ids[2], run_ids[1]]
    assert (first.count, first.is_cut, rest.last) == (2, False, None)
    monkeypatch.setattr(failed_runs, "MAX_READ", 1)
    cut = listing.found_runs(LOCAL, system, counts, wanted, Stretch(limit=10))
    assert ([one.id for one in cut.items], cut.is_cut) == ([run_ids[2]], True)
    assert listing.found_runs(LOCAL, system, counts, RunFilter(), Stretch(limit=10)).is_cut is False
