"""What forms ask for is checked while no transaction is open, though each is carried out once under its key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from core import schedules
from core.principals import LOCAL
from models.tables import db
from services.jobs import creating, editing, requested_runs, run_actions
from services.reading import records
from services.task_types import registry
from tests.factories import GivenSystem, new_job
from tests.integration.pages.browser import Browser, Form
from tests.integration.pages.making import MAKE

DATA = {"url": "http://127.0.0.1:9/reports", "body": {"name": "{{data.name}}"}}
OTHER = {**DATA, "method": "PUT"}

Filled = tuple[Form, dict[str, str]]


def a_job(system: GivenSystem, data: dict[str, Any] | None = None) -> UUID:
    job = new_job(schedules.Cron("0 9 * * mon"), task_type="http", data=data or DATA)
    return creating.create(LOCAL, system, job)


def new(browser: Browser, _system: GivenSystem) -> Filled:
    form = browser.load("/dashboard/new?kind=http").form(MAKE)
    names = {"app_name": "app_a", "account_id": "acc1", "schedule.type": "immediate"}
    typed = {**names, "data.url": DATA["url"], "data.body": json.dumps(DATA["body"])}
    assert typed.keys() <= form.fields.keys()
    return form, {name: str(value) for name, value in typed.items()}


def changed(browser: Browser, system: GivenSystem) -> Filled:
    form = browser.load(f"/dashboard/jobs/{a_job(system)}/edit").form("Change the job")
    assert "data.body" in form.fields
    return form, {"data.body": json.dumps({"name": "{{data.other}}"})}


def triggered(browser: Browser, system: GivenSystem) -> Filled:
    return browser.load(f"/dashboard/jobs/{a_job(system)}").form("Run with this"), {"data": json.dumps(OTHER)}


def replayed(browser: Browser, system: GivenSystem) -> Filled:
    run = requested_runs.trigger(LOCAL, system, a_job(system))
    run_actions.cancel(LOCAL, system, run.id)
    return browser.load(f"/dashboard/runs/{run.id}").form("Replay with this"), {"data": json.dumps(OTHER)}


def reverted(browser: Browser, system: GivenSystem) -> Filled:
    job_id = a_job(system)
    editing.edit(
        LOCAL, system, job_id, lambda _view: new_job(schedules.Cron("0 9 * * mon"), task_type="http", data=OTHER)
    )
    assert records.job(LOCAL, job_id).version == 2
    return browser.load(f"/dashboard/jobs/{job_id}/versions").form("Go back to version 1"), {}


@pytest.mark.parametrize("filled", [new, changed, triggered, replayed, reverted])
def test_what_a_form_asks_for_is_checked_once_and_in_no_transaction(
    browser: Browser,
    system: GivenSystem,
    monkeypatch: pytest.MonkeyPatch,
    filled: Callable[[Browser, GivenSystem], Filled],
) -> None:
    within: list[bool] = []
    validate = registry.validate

    def noting(*given: Any) -> None:
        within.append(db.in_transaction())
        validate(*given)

    form, typed = filled(browser, system)
    monkeypatch.setattr(registry, "validate", noting)
    for _ in range(2):
        answer = browser.send(form, **typed)
        assert answer.status_code == 303, answer.text
        assert within == [False], "once, and not for the form that came again"
