"""How many former versions of a job are kept, whose data may be large and whose edits small."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.policies import Overlap
from core.principals import LOCAL
from core.schedules import Cron
from models import database, versions
from models.tables import Job, JobVersion
from services.jobs import creating, definition, editing, requested_runs
from services.jobs.definition import Definition
from services.reading.views import JobView
from tests.factories import GivenSystem, claim_one, given_system, new_job, record, succeeded

SOME = "x" * 1_000
YEARLY = Cron("0 0 1 1 *")


@pytest.fixture
def system(store: str, monkeypatch: pytest.MonkeyPatch) -> GivenSystem:
    monkeypatch.setattr(versions, "MAX_BYTES_KEPT", 5_000)  # four of these jobs
    return given_system()


@pytest.fixture
def job(system: GivenSystem) -> UUID:
    return creating.create(LOCAL, system, new_job(data={"some": SOME}))


def edit(system: GivenSystem, job: UUID, count: int = 1, **changes: Any) -> None:
    def amend(_view: JobView) -> Definition:
        stored = Job.get_by_id(job)
        values = changes or {"max_retries": (stored.max_retries or 0) + 1}
        return replace(definition.of(stored, ()), **values)

    for _ in range(count):
        editing.edit(LOCAL, system, job, amend)


def kept() -> list[int]:
    with database.reading():
        return [row.version for row in JobVersion.select(JobVersion.version).order_by(JobVersion.version)]


def test_the_oldest_versions_go_once_all_have_so_many_bytes(system: GivenSystem, job: UUID) -> None:
    edit(system, job, 9)
    assert kept()[-1] == 9
    assert len(kept()) in (2, 3, 4)
    assert kept() == list(range(kept()[0], 10)), "the newest are kept"


def test_the_newest_two_are_kept_however_large_they_are(
    system: GivenSystem, job: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MAX_BYTES_KEPT", 10)
    edit(system, job, 5)
    assert kept() == [4, 5]


def test_so_many_versions_are_kept_however_small_they_are(
    system: GivenSystem, job: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MAX_BYTES_KEPT", 1_000_000)
    monkeypatch.setattr(versions, "MAX_KEPT", 3)
    edit(system, job, 6)
    assert kept() == [4, 5, 6]


def test_a_version_that_a_run_executes_is_kept_until_it_has_ended(system: GivenSystem) -> None:
    job = creating.create(LOCAL, system, new_job(YEARLY, data={"some": SOME}))
    requested_runs.trigger(LOCAL, system, job)
    work = claim_one(system)
    edit(system, job, 9)
    assert kept()[0] == 1
    record(system, work, succeeded())
    edit(system, job)
    assert 1 not in kept()


@pytest.fixture
def definitions_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts of all definitions of former versions that are read."""
    read: list[str] = []
    parse = JobVersion.definition.python_value

    def note(text: str) -> Any:
        read.append(text)
        return parse(text)

    monkeypatch.setattr(JobVersion.definition, "python_value", note)
    return read


def pin(system: GivenSystem, job: UUID, count: int) -> None:
    """Begin a run of the present version and edit the job, so many times."""
    for _ in range(count):
        requested_runs.trigger(LOCAL, system, job)
        claim_one(system)
        edit(system, job)


def test_an_edit_reads_no_definition_however_many_versions_runs_keep(
    system: GivenSystem, definitions_read: list[str]
) -> None:
    job = creating.create(LOCAL, system, new_job(YEARLY, data={"some": SOME}, overlap=Overlap.ALLOW))
    pin(system, job, 12)
    edit(system, job, 6)
    assert kept()[:12] == list(range(1, 13)), "all that runs execute, far more than fit"
    definitions_read.clear()
    edit(system, job)
    assert definitions_read == []


def test_an_edit_reads_no_definitions_of_the_former_release_that_runs_keep(
    system: GivenSystem, definitions_read: list[str]
) -> None:
    job = creating.create(LOCAL, system, new_job(YEARLY, data={"some": SOME}, overlap=Overlap.ALLOW))
    pin(system, job, 12)
    with database.transaction():
        JobVersion.update(account_id=None).execute()
    definitions_read.clear()
    edit(system, job)
    assert len(kept()) == 13
    assert definitions_read == []


def test_a_version_is_read_without_those_of_other_jobs(system: GivenSystem, definitions_read: list[str]) -> None:
    one, other = (creating.create(LOCAL, system, new_job()) for _ in range(2))
    for job in (one, other):
        edit(system, job, 3)
    definitions_read.clear()
    with database.reading():
        assert set(versions.kept({(one, 1), (other, 3)})) == {(one, 1), (other, 3)}
    assert len(definitions_read) == 2


def test_that_a_job_was_another_accounts_is_known_however_often_it_is_edited(system: GivenSystem, job: UUID) -> None:
    former = system.clock.now()
    edit(system, job, account_id="acc2")
    edit(system, job, 9)
    assert kept()[0] == 1
    with database.transaction():
        assert versions.of_another_until(job, "acc2") == former
        JobVersion.update(account_id=None).execute()
        assert versions.of_another_until(job, "acc2") == former, "as the former release stored it"
