"""Which receivers currently fail, derived from the outcomes of the calls to each host."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from core import limit_keys
from core.filters import JobFilter
from core.principals import Principal
from models import database, durations, failing_calls
from models.failing_calls import HostCall
from services.messaging import broker as brokers
from services.reading.visibility import visible
from services.runtime.timed_cache import TimedCache
from services.system import System
from services.task_types import http, targets

MAX_READ = 500
MANY = 100
KEPT_SECONDS = 5
_MAX_KEPT = 100
_WITHIN = timedelta(hours=24)
_RUNS_LOOKED_THROUGH = 100
_URL = re.compile(r'"url":"((?:[^"\\]|\\.)*)')


@dataclass(frozen=True)
class JobOfHost:
    """A job whose calls fail."""

    job_id: UUID
    job_name: str | None
    job_title: str | None
    task_type: str


@dataclass(frozen=True)
class FailingHost:
    """A host to which no call of these jobs has succeeded since `failing_since`.

    The run and the message are those of the newest failure. `last_success_at` is that of these jobs, None if none is
    known; `answered_others_at` is when a call of another job of the app to the host last succeeded since then, None if
    none is known: where it is not None, the host is up, and something is wrong with these jobs.
    """

    host: str
    app_name: str
    failing_since: datetime
    last_failure_at: datetime
    last_success_at: datetime | None
    answered_others_at: datetime | None
    failures: int
    message: str | None
    run_id: UUID
    jobs: list[JobOfHost]


class _Read(NamedTuple):
    hosts: list[FailingHost]
    calls: int  # that were read


class FailingHosts:
    """The hosts that fail; if many calls must be read to find them, the result is cached for some seconds."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._kept = TimedCache[_Read](system.clock, KEPT_SECONDS, _MAX_KEPT)

    def of(self, principal: Principal, wanted: JobFilter | None = None) -> list[FailingHost]:
        """Returns the hosts as `listed` does."""
        fitting = visible(principal, wanted or JobFilter())
        make = partial(_read, principal, self._system, fitting)
        return self._kept.of((fitting, principal.account_id), make, lambda found: found.calls >= MANY).hosts


def listed(principal: Principal, system: System, wanted: JobFilter | None = None) -> list[FailingHost]:
    """Returns the hosts that fail, for matching jobs that the principal may see, the longest failing first.

    Reads the newest 500 calls of the last day that failed without an answer or with a 5xx.
    """
    return _read(principal, system, visible(principal, wanted or JobFilter())).hosts


def _read(principal: Principal, system: System, fitting: JobFilter) -> _Read:
    since = system.clock.now() - _WITHIN
    with database.reading():
        found = failing_calls.newest(fitting, since, MAX_READ)
        found = [one for one in found if one.queue == brokers.RUNS_HTTP]
        hosts = of_calls(system, found)
        job_ids = list({call.job_id for call in found})
        completed = durations.newest(job_ids, 1, _RUNS_LOOKED_THROUGH, principal.account_id)
    succeeded = {one.job_id: one.finished_at for one in completed}
    together: dict[tuple[str, str], list[HostCall]] = {}
    for one, host in zip(found, hosts, strict=True):
        if host is not None:
            together.setdefault((host, one.app_name), []).append(one)
    failing = [_view(host, members, succeeded) for (host, _), members in together.items()]
    hosts_that_fail = sorted(filter(None, failing), key=lambda one: one.failing_since)
    with_others = _with_others(system, fitting, hosts_that_fail)
    return with_others._replace(calls=len(found) + with_others.calls)


def _with_others(system: System, fitting: JobFilter, failing: list[FailingHost]) -> _Read:
    """Returns the hosts with when other jobs were last answered by them, by a bounded number of successes."""
    if not failing:
        return _Read([], 0)
    app_names = list(dict.fromkeys(one.app_name for one in failing))
    with database.reading():
        found = failing_calls.succeeded(fitting, app_names, failing[0].failing_since, MAX_READ)
        found = [one for one in found if one.queue == brokers.RUNS_HTTP]
        hosts = of_calls(system, found)
    answered: dict[tuple[str | None, str], datetime] = {}
    for one, host in zip(found, hosts, strict=True):
        answered.setdefault((host, one.app_name), one.started_at)  # newest first
    at = [answered.get((one.host, one.app_name)) for one in failing]
    return _Read(
        [replace(one, answered_others_at=_since(one, at)) for one, at in zip(failing, at, strict=True)], len(found)
    )


def _since(host: FailingHost, at: datetime | None) -> datetime | None:
    return None if at is None or at < host.failing_since else at


def _view(host: str, members: Sequence[HostCall], succeeded: Mapping[UUID, datetime]) -> FailingHost | None:
    """A host's failures since its last success, newest first; None if it has succeeded since."""
    newest = members[0]
    last = max((succeeded[one.job_id] for one in members if one.job_id in succeeded), default=None)
    since = [one for one in members if last is None or one.started_at >= last]
    if not since:
        return None
    return FailingHost(
        host=host,
        app_name=newest.app_name,
        failing_since=since[-1].started_at,
        last_failure_at=newest.started_at,
        last_success_at=last,
        answered_others_at=None,
        failures=len(since),
        message=newest.error_message,
        run_id=newest.run_id,
        jobs=_jobs(since),
    )


def _jobs(members: Iterable[HostCall]) -> list[JobOfHost]:
    jobs = {one.job_id: JobOfHost(one.job_id, one.job_name, one.job_title, one.task_type) for one in members}
    return list(jobs.values())


def of_runs(system: System, run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Returns the host that each of these runs called last; without those that call none, or of which none is known.

    Read in the caller's transaction.
    """
    calls = [one for one in failing_calls.last_of_runs(run_ids) if one.queue == brokers.RUNS_HTTP]
    called = zip(calls, of_calls(system, calls), strict=True)
    return {one.run_id: host for one, host in called if host is not None}


def of_calls(system: System, found: Sequence[HostCall]) -> list[str | None]:
    """Returns the host that each call went to: from the stored call, else from the job's definition."""
    urls = [None if one.call is None else _called(one.call) for one in found]
    unknown = [one for one, url in zip(found, urls, strict=True) if url is None]
    defined = _defined(system, unknown)
    return [_host(url or defined[one.job_id]) for one, url in zip(found, urls, strict=True)]


def _defined(system: System, calls: Iterable[HostCall]) -> dict[UUID, str | None]:
    """Returns the addresses that the jobs of these calls have by their definitions, by job."""
    jobs = {one.job_id: one for one in calls}
    of_http = [job_id for job_id, one in jobs.items() if one.task_type == http.KEY]
    data = failing_calls.data_of(of_http) if of_http else {}
    types = {one.type_of_app for one in jobs.values() if one.callback_url is None}
    requests = failing_calls.requests_of(types)
    return {job_id: _url(system, one, data.get(job_id), requests.get(one.type_of_app)) for job_id, one in jobs.items()}


def _called(beginning: str) -> str | None:
    """Returns the address in the beginning of a stored call, which may be cut off."""
    found = _URL.search(beginning)
    try:
        return None if found is None else str(json.loads(f'"{found[1]}"'))
    except ValueError:  # cut within an escaped character
        return None


def _url(system: System, one: HostCall, data: Any, request: dict[str, Any] | None) -> str | None:
    return targets.of(
        system.settings,
        one.task_type,
        callback_url=one.callback_url,
        request=request,
        base_url=one.app_url,
        data=data,
    ).url


def _host(url: str | None) -> str | None:
    key = None if url is None else limit_keys.of_host(url)
    return None if key is None else key.removeprefix("host:")
