"""A job's definition is stored whole, on both databases: no policy is forgotten on the way."""

from __future__ import annotations

from dataclasses import MISSING, fields
from datetime import timedelta
from typing import Any

from core.policies import CatchUp, Overlap
from core.principals import LOCAL
from core.schedules import RunAt
from services.jobs import creating, definition, editing
from services.jobs.definition import Definition
from tests.factories import NOON, given_system, new_job, stored_job

EVERYTHING: dict[str, Any] = {
    "account_id": "acc7",
    "user_id": {"id": 7},
    "task_type": "greet",
    "schedule": RunAt(NOON + timedelta(hours=1)),
    "name": "greeting",
    "title": "A greeting",
    "metadata": {"team": "north"},
    "tags": ("a", "b"),
    "board_id": 8,
    "data": {"to": "Ada"},
    "callback_url": "http://127.0.0.1:9/greet",
    "priority": 7,
    "max_retries": 2,
    "retry_backoff_base": 1.5,
    "retry_backoff_max": 90.0,
    "time_limit_seconds": 12.5,
    "catch_up": CatchUp.ALL,
    "catch_up_window_seconds": 60.0,
    "overlap": Overlap.ALLOW,
    "deadline_at": NOON + timedelta(hours=2),
    "deadline_seconds": 30.0,
    "expire": True,
    "keep_days": 3.0,
    "keep_last": 4,
    "limit_key": "{{data.to}}",
}


def test_this_test_gives_each_member_of_a_definition_another_value_than_its_default() -> None:
    defaults = {one.name: one.default for one in fields(Definition)}
    assert defaults.keys() == EVERYTHING.keys()
    assert [
        name for name, value in EVERYTHING.items() if defaults[name] is not MISSING and value == defaults[name]
    ] == []


def test_each_member_of_a_new_job_is_stored(store: str) -> None:
    job_id = creating.create(LOCAL, given_system(), new_job(**EVERYTHING))
    assert definition.of(stored_job(job_id), ("a", "b")) == Definition(**EVERYTHING)


def test_each_member_that_an_edit_changes_is_stored_and_kept_in_the_former_version(store: str) -> None:
    system = given_system()
    job_id = creating.create(LOCAL, system, new_job(RunAt(NOON + timedelta(minutes=5))))
    former = definition.of(stored_job(job_id), ())
    editing.edit(LOCAL, system, job_id, lambda _: Definition(**EVERYTHING))
    assert definition.of(stored_job(job_id), ("a", "b")) == Definition(**EVERYTHING)
    assert definition.restore(definition.snapshot(former)) == former
    assert definition.restore(definition.snapshot(Definition(**EVERYTHING))) == Definition(**EVERYTHING)
