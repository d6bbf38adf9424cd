"""What can be done with many jobs, and with many runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

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
        """Returns the filter; where all runs that fit are replayed, of those that ended before that was begun.

        Otherwise their replays would fit as soon as they have ended, too, and be replayed without end.
        """
        wanted = replace(site.readers.run_list(choice.selecting).wanted, ids=choice.ids)
        if choice.ids is not None or choice.action != RunAction.REPLAY:
            return wanted
        return replace(wanted, finished_before=instants.first_of(wanted.finished_before, begun(choice)))

    def begun(choice: Choice) -> datetime | None:
        """Returns when a replay was begun, at the latest now: another process may have noted it by a clock ahead."""
        now = site.system.clock.now()
        if not choice.begun:
            return now if choice.replays_completed else None
        noted = site.readers.run_list({"finished_before": choice.begun}).wanted.finished_before
        return instants.first_of(noted, now)

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
