"""Hold runs as they become due if one of their keys already holds others, so that no claim has to look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from core import limit_keys
from core.states import Hold
from models import held_keys
from models.hot.due_rows import LockedJob, LockedRun
from services.messaging import broker as brokers


def hold(begins: Collection[LockedRun], locked: Mapping[UUID, LockedJob], now: datetime) -> dict[UUID, Hold]:
    """Hold the due runs of locked jobs that have a key which holds others. Returns why each is held."""
    keys = {run.id: keys_of(locked[run.job_id].app_name, run.account_id, run.job_id, run.queue) for run in begins}
    return hold_these(keys, now)


def hold_these(keys: Mapping[UUID, Sequence[str]], now: datetime) -> dict[UUID, Hold]:
    """Hold the runs, each given with its keys, that have a key which holds others. Returns why each is held.

    If a key releases its last held run at the same moment, the coordinator finds these runs later (`held_runs.repair`).
    """
    holding = held_keys.of_keys({key for of_run in keys.values() for key in of_run})
    held: dict[str, list[UUID]] = {}
    for run_id, of_run in keys.items():
        if (key := next((key for key in of_run if key in holding), None)) is not None:
            held.setdefault(key, []).append(run_id)
    held_keys.hold_due([(holding[key], run_ids) for key, run_ids in held.items()], now)
    return {run_id: holding[key].held_by for key, run_ids in held.items() for run_id in run_ids}


def keys_of(app_name: str, account_id: str, job_id: UUID, queue: str) -> list[str]:
    """Returns the keys that certainly limit a run if they hold others.

    Leaves out keys that depend on the job's data, and the account of a run without a call, which the default rate does
    not limit; the claim checks all (`execution.run_keys`).
    """
    account = [limit_keys.of_account(app_name, account_id)] if queue == brokers.RUNS_HTTP else []
    return [limit_keys.of_job(job_id), *account, limit_keys.of_app(app_name)]
