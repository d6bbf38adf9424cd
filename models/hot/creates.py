"""Create jobs: find their apps, and store jobs, tags and first runs together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from core import names
from core.states import Hold
from models import apps, changes, run_holds, set_based
from models.hot import of_database
from models.hot.rows import KnownApp, NewRows, Stored
from models.tables import Job

_RULE = ("keep_days", "keep_last")


def apps_by_names(wanted: Collection[str]) -> dict[str, KnownApp]:
    """Returns the apps with these names, by name; names that differ only in spelling are the same app's."""
    of_this = of_database()
    keys = {key for name in wanted for key in names.keys(name)}
    rows = (_app(*row) for row in of_this.known_apps(sorted(keys)))
    return apps.of_names(wanted, dict(rows))


def insert(rows: NewRows) -> Stored:
    """Store new jobs, their tags and runs. Returns what was stored: a job whose name is taken is left out.

    Jobs are stored in the order of their names and owners, so that two transactions with the same cannot deadlock.
    """
    if not rows.jobs:
        return Stored()
    in_order = sorted(rows.jobs, key=lambda job: (job["app_id"], job["name_key"] or "", str(job["owner_id"])))
    stored = of_database().create(NewRows(in_order, rows.tags, rows.runs))
    _add_rules(job for job in in_order if job["id"] in stored.jobs)
    runs = [run for run in rows.runs if run["job"] in stored.jobs]
    run_holds.begin_with(runs)
    changes.note(jobs=stored.jobs, runs=(run["id"] for run in runs))
    return stored


def _add_rules(jobs: Iterable[Mapping[str, Any]]) -> None:
    """Store the `keep` rules of those new jobs that have one, which are few."""
    rules = ((job["id"], {name: job.get(name) for name in _RULE}) for job in jobs)
    set_based.update(Job.id, [(job_id, rule) for job_id, rule in rules if any(rule.values())])


def stored(job_ids: Iterable[UUID]) -> set[UUID]:
    """Returns which of these jobs exist; used when it is unknown whether a commit took effect."""
    of_this = of_database()
    return {of_this.uuid(job_id) for (job_id,) in of_this.existing_jobs(list(job_ids))}


def _app(app_id: Any, name: str, key: str, url: str | None, *holds: Any) -> tuple[str, KnownApp]:
    return key, KnownApp(of_database().uuid(app_id), name, url, _hold(*holds))


def _hold(is_paused: Any, is_restored: Any) -> Hold | None:
    """Returns the hold of an app's runs, as `pauses.holds` does."""
    if is_paused:
        return Hold.PAUSED
    return Hold.RESTORED if is_restored else None
