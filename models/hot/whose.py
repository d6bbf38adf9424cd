"""The owners of a job. They decide who may see it, and are read in nearly every request about one job or run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from models import database
from models.hot import of_database

_OF_JOB = """SELECT owner_id, app_id, account_id FROM jobs WHERE id = {mark} AND deleted_at IS NULL"""
_OF_RUN = """
    SELECT owner_id, app_id, jobs.account_id, runs.account_id FROM runs JOIN jobs ON jobs.id = job_id
    WHERE runs.id = {mark} AND deleted_at IS NULL
"""


@dataclass(frozen=True, slots=True)
class Owners:
    """The owners of a job: its user, if it has one, its app, and the account within the app."""

    owner_id: UUID | None
    app_id: UUID
    account_id: str


@dataclass(frozen=True, slots=True)
class OwnersOfRun(Owners):
    """The owners of a run's job, and the account for which the run was made: the job may have moved since."""

    run_account_id: str


def job(job_id: UUID) -> Owners | None:
    """Returns the owners of a job; None if there is no such job, or it was deleted."""
    return _owners(database.rows(_OF_JOB.format(mark=of_database().MARK), [job_id.hex]))


def run(run_id: UUID) -> OwnersOfRun | None:
    """Returns the owners of a run and its job; None if there is no such run, or its job was deleted."""
    uuid = of_database().uuid
    found = database.rows(_OF_RUN.format(mark=of_database().MARK), [run_id.hex])
    for owner_id, app_id, account_id, own in found:
        return OwnersOfRun(None if owner_id is None else uuid(owner_id), uuid(app_id), account_id, own)
    return None


def _owners(found: Sequence[Any]) -> Owners | None:
    uuid = of_database().uuid
    for owner_id, app_id, account_id in found:
        return Owners(None if owner_id is None else uuid(owner_id), uuid(app_id), account_id)
    return None
