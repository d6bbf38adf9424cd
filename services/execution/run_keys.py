"""The keys by which runs are limited.

They are the run's job, account and app, and the installation; also the host that is called and the key that the task
type fills from the data, if any key of that kind has a limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from core import limit_keys
from core.limits import Standing
from models import limits
from models.hot import claims as hot_claims
from models.hot.rows import Candidate, ExecutedJob
from services.execution import executed_jobs
from services.messaging import broker as brokers
from services.system import System
from services.task_types import targets

Keys = dict[UUID, tuple[str, ...]]


def account(run: Candidate) -> str:
    """Returns the key of a run's account."""
    return limit_keys.of_account(run.app_name, run.account_id)


def of(system: System, candidates: Sequence[Candidate]) -> Keys:
    """Returns the keys of these runs, the narrowest first."""
    of_jobs = _of_jobs(system, [run for run in candidates if run.needs_job])
    return {run.id: (*_narrow(run), *of_jobs.get(run.id, ()), *_wide(run)) for run in candidates}


def _narrow(run: Candidate) -> tuple[str, ...]:
    return limit_keys.of_job(run.job_id), account(run)


def _wide(run: Candidate) -> tuple[str, ...]:
    return limit_keys.of_app(run.app_name), limit_keys.INSTALLATION


def standings(system: System, candidates: Sequence[Candidate], keys: Keys, now: datetime) -> dict[str, Standing]:
    """Lock the limited keys of these runs until the transaction ends. Returns the state of each."""
    by_default = {account(run) for run in candidates if run.queue == brokers.RUNS_HTTP}
    wanted = {key for of_run in keys.values() for key in of_run}
    return hot_claims.limited(wanted, by_default, system.settings.account_rate, now)


def applied(run: Candidate, keys: Keys, found: dict[str, Standing]) -> tuple[str, ...]:
    """Returns the keys of a run that limit it: the account rate of the settings applies to calls only."""
    is_call = run.queue == brokers.RUNS_HTTP
    return tuple(key for key in keys[run.id] if key in found and (is_call or not found[key].limit.is_default))


def _of_jobs(system: System, candidates: Sequence[Candidate]) -> dict[UUID, list[str]]:
    """Returns the keys of hosts and data, by the version of the job that each run was made from."""
    if not candidates:
        return {}
    executed = executed_jobs.to_execute(candidates)
    own_data = limits.data_of([run.id for run in candidates])
    found: dict[UUID, list[str]] = {}
    for run in candidates:
        job = executed[run.id]
        data = own_data.get(run.id, job.data)
        name = None if job.limit_key is None else limit_keys.filled(job.limit_key, data)
        of_data = None if name is None else limit_keys.of_data(run.app_name, name)
        host = _host(system, job, data) if run.queue == brokers.RUNS_HTTP else None
        destination = None if host is None else limit_keys.of_destination(run.app_name, host.removeprefix("host:"))
        found[run.id] = [key for key in (of_data, destination, host) if key is not None]
    return found


def _host(system: System, job: ExecutedJob, data: Any) -> str | None:
    """Returns the key of the host that a run calls.

    A run whose target cannot be made out has none, and keeps no others from being claimed: it fails once it is claimed.
    """
    try:
        url = targets.of_job(system.settings, job, data).url
    except Exception:  # noqa: BLE001  logged when the attempt is prepared, which meets it again
        return None
    return None if url is None else limit_keys.of_host(url)
