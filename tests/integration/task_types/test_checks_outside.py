"""Job data are checked while no transaction is open, and a job never gets data that were not checked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict

from core import fingerprints, schedules
from core.errors import Conflict, InvalidInput
from core.principals import LOCAL
from core.states import Trigger
from models.tables import db
from services.jobs import creating, definition, editing, lifecycle, requested_runs, run_actions, version_history
from services.jobs.definition import Definition
from services.reading import records
from services.reading.views import JobView
from services.requests import idempotency
from services.runtime import slow_checks
from services.task_types import registry
from services.task_types.registry import TaskType
from settings import Settings
from tests.factories import GivenSystem, new_job, runs_of, stored_job

CRON = schedules.Cron("0 9 * * mon")
LATER = schedules.DelayFromNow(duration_seconds=3_600)
GIVEN, WRONG = {"size": 17}, {"wrong": 1}
Data = dict[str, Any]


class Anything(BaseModel):
    """Parameters of any kind."""

    model_config = ConfigDict(extra="allow")


@dataclass
class Checks:
    """The data that were checked, whether in a transaction, and what else happens during the next check."""

    data: list[Data] = field(default_factory=list)
    within: list[bool] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    def __call__(self, _settings: Settings, parameters: BaseModel) -> None:
        given = parameters.model_dump()
        self.data.append(given)
        self.within.append(db.in_transaction())
        act, self.meanwhile = self.meanwhile, None
        if act is not None:
            act()
        if given == WRONG:
            raise InvalidInput.at("data", "is wrong.")

    def made(self) -> list[Data]:
        """Returns the data that were checked since this was asked last, none of them in a transaction."""
        assert not any(self.within)
        made, self.data = self.data, []
        return made


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    checks = Checks()
    monkeypatch.setattr(registry, "_TYPES", dict(registry._TYPES))
    for key in ("thumbnail", "picture"):
        registry.register(TaskType(key, key, Anything, perform=lambda _task: None, check=checks))
    return checks


@pytest.fixture
def job_id(system: GivenSystem, checks: Checks) -> UUID:
    made = creating.create(LOCAL, system, new_job(LATER, task_type="thumbnail", data={"size": 1}))
    assert checks.made() == [{"size": 1}]
    return made


def adding(**members: Any) -> Callable[[JobView], Definition]:
    """Returns an edit that adds members to the data that a job has by then."""

    def amend(view: JobView) -> Definition:
        now = definition.of(stored_job(view.id), view.tags)
        return replace(now, data={**now.data, **members})

    return amend


def changing(**members: Any) -> Callable[[JobView], Definition]:
    return lambda view: replace(definition.of(stored_job(view.id), view.tags), **members)


def once(system: GivenSystem, act: Callable[[], object]) -> Any:
    """Do this once, under a key."""
    request = idempotency.Request("test", "key", fingerprints.of("body"))
    return idempotency.once(system, request, lambda: str(act()))


def test_an_edit_is_checked_while_no_transaction_is_open(system: GivenSystem, checks: Checks, job_id: UUID) -> None:
    assert editing.edit(LOCAL, system, job_id, adding(size=2)).version == 2
    assert checks.made() == [{"size": 2}]
    with pytest.raises(InvalidInput, match="is wrong"):
        editing.edit(LOCAL, system, job_id, changing(data=WRONG))
    assert checks.made() == [WRONG]
    assert records.job(LOCAL, job_id).version == 2


def test_an_edit_of_other_members_checks_no_data(system: GivenSystem, checks: Checks, job_id: UUID) -> None:
    editing.edit(LOCAL, system, job_id, changing(priority=7))
    assert checks.made() == []


def test_data_that_changed_during_their_check_are_checked_again(
    system: GivenSystem, checks: Checks, job_id: UUID
) -> None:
    checks.meanwhile = lambda: editing.edit(LOCAL, system, job_id, adding(colour="red"))
    edited = editing.edit(LOCAL, system, job_id, adding(size=2))
    assert edited.data == {"size": 2, "colour": "red"}
    assert checks.made() == [{"size": 2}, {"size": 1, "colour": "red"}, {"size": 2, "colour": "red"}]


def test_an_edit_of_data_that_others_change_all_the_time_is_refused(
    system: GivenSystem, checks: Checks, job_id: UUID
) -> None:
    def change_again() -> None:
        editing.edit(LOCAL, system, job_id, adding(of_others=len(checks.data)))
        checks.meanwhile = change_again

    checks.meanwhile = change_again
    with pytest.raises(Conflict, match=f"changed {slow_checks.MAX_TRIES} times by others"):
        editing.edit(LOCAL, system, job_id, adding(size=2))
    assert records.job(LOCAL, job_id).data["size"] == 1


def test_a_type_that_changed_during_the_check_of_a_runs_data_checks_them_too(
    system: GivenSystem, checks: Checks, job_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    validate = registry.validate

    def validated(settings: Settings, key: str, data: Any) -> None:
        asked.append(key)
        validate(settings, key, data)

    monkeypatch.setattr(registry, "validate", validated)
    checks.meanwhile = lambda: editing.edit(LOCAL, system, job_id, changing(task_type="picture"))
    run = requested_runs.trigger(LOCAL, system, job_id, {"size": 3})
    assert asked == ["thumbnail", "picture", "picture"], "of the trigger, of the edit, of the trigger"
    assert run.job_version == 2
    checks.made()


def test_a_refused_edit_is_told_what_is_wrong_with_the_job_before_its_data(
    system: GivenSystem, checks: Checks, job_id: UUID
) -> None:
    lifecycle.cancel(LOCAL, system, job_id)
    with pytest.raises(Conflict, match="cannot be edited"):
        editing.edit(LOCAL, system, job_id, changing(data=WRONG))
    assert checks.made() == []


def create(system: GivenSystem, _job_id: UUID) -> object:
    return creating.create(LOCAL, system, new_job(LATER, task_type="thumbnail", data=GIVEN))


def edit(system: GivenSystem, job_id: UUID) -> object:
    return editing.edit(LOCAL, system, job_id, changing(data=GIVEN)).version


def revert(system: GivenSystem, job_id: UUID) -> object:
    return version_history.revert(LOCAL, system, job_id, 1).version


def trigger(system: GivenSystem, job_id: UUID) -> object:
    return requested_runs.trigger(LOCAL, system, job_id, GIVEN).id


def replay(system: GivenSystem, job_id: UUID) -> object:
    run = next(one for one in runs_of(job_id) if one.trigger is Trigger.MANUAL)
    return requested_runs.replay(LOCAL, system, run.id, GIVEN).id


@pytest.mark.parametrize("act", [create, edit, revert, trigger, replay])
def test_what_is_done_under_a_key_is_checked_before_its_transaction_and_once(
    system: GivenSystem, checks: Checks, act: Callable[[GivenSystem, UUID], object]
) -> None:
    job_id = creating.create(LOCAL, system, new_job(CRON, task_type="thumbnail", data=GIVEN))
    editing.edit(LOCAL, system, job_id, changing(data={"size": 2}))
    run_actions.cancel(LOCAL, system, requested_runs.trigger(LOCAL, system, job_id).id)
    checks.made()
    first = once(system, lambda: act(system, job_id))
    assert once(system, lambda: act(system, job_id)) == first
    assert checks.made() == [GIVEN]


def test_one_of_two_requests_with_a_key_is_carried_out_though_both_were_checked(
    system: GivenSystem, checks: Checks, job_id: UUID
) -> None:
    answers = []

    def act() -> object:
        return requested_runs.trigger(LOCAL, system, job_id, {"size": 5}).id

    checks.meanwhile = lambda: answers.append(once(system, act))
    answers.append(once(system, act))
    assert answers[0] == answers[1]
    assert checks.made() == [{"size": 5}, {"size": 5}]
    assert len(runs_of(job_id)) == 2


def test_a_refusal_leaves_the_key_free(system: GivenSystem, checks: Checks, job_id: UUID) -> None:
    with pytest.raises(InvalidInput, match="is wrong"):
        once(system, lambda: requested_runs.trigger(LOCAL, system, job_id, WRONG).id)
    assert once(system, lambda: requested_runs.trigger(LOCAL, system, job_id, {"size": 5}).id)
    checks.made()
