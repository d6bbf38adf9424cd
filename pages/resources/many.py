"""What can be done with many jobs, and with many runs."""

from __future__ import annotations

from dataclasses import replace

from core.principals import Principal
from pages import words
from pages.resources import jobs, runs
from pages.resources.bulk import MOST, Choice, Kind
from pages.site import Site
from services.jobs import bulk_actions
from services.jobs.bulk_actions import Action, Outcome, RunAction

OF_FAILURES = "failure"


def of_jobs(site: Site) -> Kind:
    """Returns what can be done with jobs."""

    def act(who: Principal, choice: Choice, /, *, dry_run: bool, reason: str | None) -> Outcome:
        wanted = replace(site.readers.job_list(choice.selecting).wanted, ids=choice.ids)
        return bulk_actions.act(
            who,
            site.system,
            Action(choice.action),
            wanted,
            choice.after,
            dry_run=dry_run,
            reason=reason,
            limit=MOST,
        )

    return Kind(jobs.PATH, jobs.FILTERS, words.ACTIONS_ON_JOBS, ("job", "jobs"), act)


def of_runs(site: Site) -> Kind:
    """Returns what can be done with runs; those of a group of failures are told by why they failed."""

    def act(who: Principal, choice: Choice, /, *, dry_run: bool, reason: str | None) -> Outcome:
        listed = {name: value for name, value in choice.selecting.items() if name != OF_FAILURES}
        wanted = replace(
            site.readers.run_list(listed).wanted, ids=choice.ids, failure=choice.selecting.get(OF_FAILURES)
        )
        return bulk_actions.act_on_runs(
            who,
            site.system,
            RunAction(choice.action),
            wanted,
            choice.after,
            dry_run=dry_run,
            reason=reason,
            limit=MOST,
        )

    return Kind(runs.PATH, (*runs.FILTERS, OF_FAILURES), words.ACTIONS_ON_RUNS, ("run", "runs"), act)
