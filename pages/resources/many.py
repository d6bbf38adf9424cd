"""What can be done with many jobs, and with many runs."""

from __future__ import annotations

from dataclasses import replace

from core import instants
from core.filters import RunFilter
from core.principals import Principal
from core.states import RunStatus
from pages import words
from pages.resources import jobs, runs
from pages.resources.bulk import Choice, Kind
from pages.site import Site
from services.jobs import bulk_actions
from services.jobs.bulk_actions import BulkOptions, BulkResult, JobAction, RunAction
from services.reading import listing, records
from services.reading.failures import failed_runs


def of_jobs(site: Site) -> Kind:
    """Returns what can be done with jobs."""

    def act(who: Principal, choice: Choice, options: BulkOptions) -> BulkResult:
        wanted = replace(site.readers.job_list(choice.selecting).wanted, ids=choice.ids)
        return bulk_actions.act(who, site.system, JobAction(choice.action), wanted, options)

    def count(who: Principal, choice: Choice) -> int:
        return bulk_actions.count(who, JobAction(choice.action), site.readers.job_list(choice.selecting).wanted)

    shown = records.jobs_by_ids
    return Kind(jobs.PATH, jobs.FILTERS, words.ACTIONS_ON_JOBS, ("job", "jobs"), act, count, shown)


def of_runs(site: Site) -> Kind:
    """Returns what can be done with runs."""

    def wanted_of(choice: Choice) -> RunFilter:
        """Returns the filter; of completed runs that are replayed, those that ended before that was begun."""
        given = dict(choice.selecting)
        if choice.replays_completed:
            given.setdefault("finished_before", choice.begun or instants.shown(site.system.clock.now()))
        return replace(site.readers.run_list(given).wanted, ids=choice.ids)

    def act(who: Principal, choice: Choice, options: BulkOptions) -> BulkResult:
        given = replace(options, again=choice.replays_completed)
        return bulk_actions.act_on_runs(who, site.system, RunAction(choice.action), wanted_of(choice), given)

    def count(who: Principal, choice: Choice) -> int | None:
        again, wanted = choice.replays_completed, wanted_of(choice)
        return bulk_actions.count_of_runs(who, RunAction(choice.action), wanted, again=again)

    def being_replayed(who: Principal, choice: Choice) -> int:
        of_failures = choice.action == RunAction.REPLAY and choice.filter.get("status") == RunStatus.FAILED
        is_of_all = of_failures and choice.ids is None
        return failed_runs.being_replayed(who, site.system, wanted_of(choice)) if is_of_all else 0

    shown = listing.runs_by_ids
    return Kind(runs.PATH, runs.FILTERS, words.ACTIONS_ON_RUNS, ("run", "runs"), act, count, shown, being_replayed)
