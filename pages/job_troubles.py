"""What holds up a job now, told at the top of its page: its alert, its receiver's breaker, and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode
from uuid import UUID

from core import limit_keys
from core.alerting import AlertKind
from core.filters import JobFilter
from core.states import KEYED_HOLDS, Hold
from pages import formats, words
from pages.naming import key_path
from pages.page_request import Asked
from pages.site import if_allowed
from pages.verdict import Verdict
from services.reading.failures import breakers, open_alerts
from services.reading.failures.failing_hosts import FailingHosts
from services.reading.views import JobView, RunView


def of(
    who: Asked, hosts: FailingHosts, job: JobView, newest: Sequence[RunView], next_calls: Mapping[UUID, datetime]
) -> list[Verdict]:
    """Returns what holds up a job, by its alerts, its newest runs and the open breakers that its reader may see."""
    found = [*_alerts(who, job), *_holds(who, newest, next_calls)]
    told = {one.path for one in found}
    return [*found, *(one for one in _breakers(who, hosts, job) if one.path not in told)]


def _alerts(who: Asked, job: JobView) -> Iterator[Verdict]:
    for one in open_alerts.listed(who.principal, JobFilter(ids=(job.id,))).results:
        path = f"/dashboard/runs?{urlencode({'job_id': str(job.id), 'status': 'failed'})}"
        if one.kind is AlertKind.FAILING:
            count = formats.plural(one.failures_in_row, "failure", "failures")
            yield Verdict("bad", f"It fails each time: {count} in a row.", path, "Its failures")
        elif one.late_since is not None:
            since = formats.local(one.late_since, who.zone)
            yield Verdict("bad", f"It has not run in time since {since}.", "#runs", "Its runs")


def _holds(who: Asked, newest: Sequence[RunView], next_calls: Mapping[UUID, datetime]) -> Iterator[Verdict]:
    """What limits and breakers hold of its newest runs: each key once."""
    held: dict[str, list[RunView]] = {}
    for run in newest:
        if run.held_by in KEYED_HOLDS and run.held_key is not None:
            held.setdefault(run.held_key, []).append(run)
    for key, runs in held.items():
        count, why = formats.plural(len(runs), "run waits", "runs wait"), words.HOLDS[runs[0].held_by]
        soonest = min((next_calls[run.id] for run in runs if run.id in next_calls), default=None)
        of_receiver = runs[0].held_by == Hold.DESTINATION
        first = "the next call there" if of_receiver else "the limit allows the next call"
        call = "" if soonest is None else f"; {first} {formats.relative(soonest, who.now, who.zone)}"
        yield Verdict("wait", f"{count} {why}{call}.", key_path(key), "This receiver" if of_receiver else key)


def _breakers(who: Asked, hosts: FailingHosts, job: JobView) -> Iterator[Verdict]:
    """The open breakers of the receivers that its last calls failed at."""
    is_open = {one.key: one for one in if_allowed(lambda: breakers.listed(who.principal)) or []}
    for host in hosts.of(who.principal, JobFilter(app_name=job.app_name)) if is_open else []:
        key = limit_keys.of_destination(host.app_name, host.host)
        if key in is_open and any(one.job_id == job.id for one in host.jobs):
            since = formats.relative(is_open[key].opened_at, who.now, who.zone)
            text = f"Most calls of {host.app_name} to {host.host} fail; its circuit breaker opened {since}."
            yield Verdict("bad", text, key_path(key), "This receiver")
