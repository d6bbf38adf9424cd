"""What applying a file would do, decided without a server."""

from __future__ import annotations

from typing import Any

import pytest

from client.declared import DeclaredJob
from client.definitions import MARK, Change
from client.plans import Action, Found, marked_definition, plan

DEFINITION: dict[str, Any] = {
    "name": "nightly",
    "account_id": "1",
    "user_id": "1",
    "task_type": "greet",
    "schedule": {"type": "immediate"},
}


def declared(**changes: Any) -> DeclaredJob:
    definition = {**DEFINITION, **changes}
    return DeclaredJob("app_a", definition["name"], definition, 1)


def found(status: str = "pending", **changes: Any) -> Found:
    return Found({**DEFINITION, "app_name": "app_a", "id": "an-id", "status": status, **changes}, '"1"')


def only_step(job: DeclaredJob, there: Found | None) -> Any:
    [step] = plan([job], {} if there is None else {("app_a", "nightly"): there}, [])
    return step


def test_what_is_not_there_is_created_and_marked() -> None:
    step = only_step(declared(tags=["a"]), None)
    assert step.action is Action.CREATE
    assert step.definition["tags"] == ["a", MARK]
    assert step.does_something


def test_what_differs_is_changed_field_by_field_from_the_version_that_was_seen() -> None:
    step = only_step(declared(priority=8), found())
    assert (step.action, step.changes) == (Action.CHANGE, (Change("priority", 5, 8),))
    assert step.found.etag == '"1"'
    assert step.definition["tags"] == [MARK]


@pytest.mark.parametrize("there", [found(), found(tags=[MARK]), found(status="paused"), found(priority=5)])
def test_what_is_as_declared_is_kept(there: Found) -> None:
    step = only_step(declared(), there)
    assert (step.action, step.does_something) == (Action.KEEP, False)


def test_a_secret_in_plain_that_cannot_be_compared_is_named() -> None:
    data = {"url": "https://example.com/", "headers": {"Authorization": "Bearer new", "X-Y": "1"}}
    shown = {**data, "headers": {"Authorization": "***", "X-Y": "1"}}
    step = only_step(declared(task_type="http", data=data), found(task_type="http", data=shown))
    assert step.action is Action.KEEP
    assert str(step.reason).startswith("not compared: Authorization,")


def test_an_address_with_a_secret_in_plain_is_named_likewise() -> None:
    new, shown = "https://example.com/?api_key=new", "https://example.com/?api_key=***"
    of_callback = only_step(declared(callback_url=new), found(callback_url=shown))
    of_request = only_step(declared(task_type="http", data={"url": new}), found(task_type="http", data={"url": shown}))
    assert (of_callback.action, of_request.action) == (Action.KEEP, Action.KEEP)
    assert str(of_callback.reason).startswith("not compared: callback_url,")
    assert str(of_request.reason).startswith("not compared: data.url,")


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_what_has_ended_is_left_alone_even_if_it_differs(status: str) -> None:
    step = only_step(declared(priority=8), found(status))
    assert (step.action, step.does_something) == (Action.LEAVE, False)
    assert status in step.reason


def test_what_apply_has_made_and_the_file_lacks_is_removed() -> None:
    marked = [found(), found(name="old", id="another")]
    steps = plan([declared()], {("app_a", "nightly"): marked[0]}, marked)
    assert [(step.action, step.name) for step in steps] == [(Action.KEEP, "nightly"), (Action.REMOVE, "old")]


def test_what_the_file_spells_otherwise_is_renamed_and_not_removed() -> None:
    there = found(name="Nightly")
    [step] = plan([declared()], {("app_a", "nightly"): there}, [there])
    assert (step.action, step.changes) == (Action.CHANGE, (Change("name", "Nightly", "nightly"),))


def test_a_definition_is_marked_once() -> None:
    assert marked_definition({"tags": [MARK]}) == {"tags": [MARK]}
    assert marked_definition({"tags": None}) == {"tags": [MARK]}
    assert marked_definition({"tags": "wrong"}) == {"tags": "wrong"}
