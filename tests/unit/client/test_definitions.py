"""A definition written out and one left to the defaults are the same; what differs is named."""

from __future__ import annotations

from typing import Any

import pytest

from api.schemas.jobs import Job, JobDefinition, NewJob
from client.definitions import DEFAULTS, FIELDS, MARK, NEEDED, Change, canonical, changes, without_defaults
from models.fields import new_id
from services.reading.views import JobView
from services.task_types import request_masks
from tests.factories import NOON

SHORT: dict[str, Any] = {
    "name": "nightly",
    "account_id": "acc1",
    "user_id": "user1",
    "task_type": "greet",
    "schedule": {"type": "cron", "expression": "0 2 * * *"},
}


def job(**members: Any) -> dict[str, Any]:
    return {**SHORT, **members}


def shown(definition: dict[str, Any]) -> Any:
    """A definition as the server shows it."""
    parsed = NewJob.model_validate({"app_name": "app_a", **definition}).parsed()
    given = {name: getattr(parsed, name) for name in parsed.__dataclass_fields__}
    rest = {name: None for name in JobView.__dataclass_fields__ if name not in given}
    view: dict[str, Any] = {
        **rest,
        **given,
        "callback_url": request_masks.masked_address(parsed.callback_url),
        "data": request_masks.masked_data(parsed.task_type, parsed.data),
        "id": new_id(),
        "schedule": parsed.schedule.accepted(NOON),
        "deadline": given["deadline_at"],
        "status": "pending",
        "version": 1,
        "polls": 0,
        "created_at": NOON,
        "updated_at": NOON,
        "tags": sorted(set(parsed.tags)),
    }
    known = {name: view[name] for name in JobView.__dataclass_fields__}
    return Job.model_validate(JobView(**known)).model_dump(mode="json")


def test_the_fields_and_their_defaults_are_those_of_the_api() -> None:
    assert set(FIELDS) == set(JobDefinition.model_fields)
    required = {name for name, field in JobDefinition.model_fields.items() if field.is_required()}
    assert required == set(NEEDED)
    assert {
        name: field.get_default(call_default_factory=True) for name, field in JobDefinition.model_fields.items()
    } | dict.fromkeys(NEEDED) == {**DEFAULTS, **dict.fromkeys(NEEDED)}


@pytest.mark.parametrize(
    "written",
    [
        job(),
        job(**{name: value for name, value in DEFAULTS.items() if name != "name"}),
        job(account_id=17, user_id=4, board_id="b"),
        job(priority="high", tags=["b", "a", "b"], data={"a": {"b": [1, None, True, 1.5]}}),
        job(schedule={"type": "cron", "expression": "0 2 * * *", "timezone": "Europe/Paris", "max_runs": None}),
        job(schedule={"type": "cron", "expression": "0 2 * * *", "timezone": "Asia/Tokyo", "starts_at": "2027-01-01"}),
        job(schedule={"type": "interval", "every_seconds": 3600}, deadline_seconds=60, expire=True),
        job(
            schedule={
                "type": "interval",
                "frequency": "daily",
                "ends_at": "2028-03-26T02:30:00",
                "timezone": "Europe/Paris",
            }
        ),
        job(schedule={"type": "run_at", "timestamp": "2027-06-01 09:00", "timezone": "America/New_York"}),
        job(schedule={"type": "run_at", "timestamp": "2027-06-01T09:00:00.250+02:00"}, deadline="2027-06-01T10:00:00"),
        job(schedule={"type": "delay_from_now", "duration_seconds": 5}),
        job(schedule={"type": "polling", "interval_seconds": 30, "max_polls": 3}, time_limit_seconds=9),
        job(keep={"last": 20}),
        job(keep={"days": 7, "last": None}),
        job(
            task_type="http", data={"url": "https://example.com/", "headers": {"Authorization": "Bearer x", "X-Y": "1"}}
        ),
        job(schedule={"type": "immediate"}, max_retries=0, retry_backoff_base=2, catch_up="all", overlap="allow"),
    ],
)
def test_what_the_server_shows_is_what_was_written(written: dict[str, Any]) -> None:
    assert changes(shown(written), written) == ()
    assert changes(without_defaults(shown(written)), written) == ()
    assert canonical(canonical(written)) == canonical(written)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"priority": 8}, Change("priority", 5, 8)),
        ({"max_retries": 0}, Change("max_retries", None, 0)),
        ({"tags": ["a"]}, Change("tags", [], ["a"])),
        ({"user_id": 1}, Change("user_id", "user1", 1)),
        (
            {"schedule": {"type": "cron", "expression": "0 3 * * *"}},
            Change("schedule.expression", "0 2 * * *", "0 3 * * *"),
        ),
        (
            {"schedule": {"type": "cron", "expression": "0 2 * * *", "timezone": "Europe/Paris"}},
            Change("schedule.timezone", "UTC", "Europe/Paris"),
        ),
    ],
)
def test_a_field_that_differs_is_named_with_both_values(changed: dict[str, Any], expected: Change) -> None:
    assert changes(shown(SHORT), job(**changed)) == (expected,)


def test_what_is_no_longer_written_goes_back_to_its_default() -> None:
    assert changes(shown(job(overlap="allow")), job()) == (Change("overlap", "allow", "skip"),)


@pytest.mark.parametrize(
    ("old", "new", "fields"),
    [
        ({"a": 1}, {"a": True}, ["data.a"]),
        ({"a": [0]}, {"a": [False]}, ["data.a"]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, ["data.a.b", "data.a.c"]),
        ({"a.b": 1}, {"a": {"b": 1}}, ["data.a.b", "data.a.b"]),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, []),
        ({"a": None}, {}, ["data.a"]),
        (None, {"a": 1}, ["data.a"]),
        ({"a": 1}, {}, ["data.a"]),
        ({}, None, ["data"]),
    ],
)
def test_data_is_compared_by_what_it_means(old: Any, new: Any, fields: list[str]) -> None:
    assert [change.field for change in changes(job(data=old), job(data=new))] == fields


def test_the_mark_of_apply_is_no_difference() -> None:
    assert changes(shown(job(tags=["a", MARK])), job(tags=["a"])) == ()
    assert without_defaults(shown(job(tags=[MARK]))) == SHORT | {"schedule": {**SHORT["schedule"], "timezone": "UTC"}}


@pytest.mark.parametrize(
    "wrong", [{"tags": "a"}, {"tags": [1]}, {"schedule": 5}, {"priority": []}, {"deadline": 5}, {"deadline": "soon"}]
)
def test_what_is_wrong_is_left_for_the_server_to_refuse(wrong: dict[str, Any]) -> None:
    assert [change.new for change in changes(job(), job(**wrong))][-1] in wrong.values()


@pytest.mark.parametrize("zone", ["Mars/Base", "../etc", "/etc", "Europe", 5, ["UTC"], "\x00"])
def test_an_instant_in_a_zone_that_is_not_known_stays_as_it_is(zone: Any) -> None:
    schedule = {**SHORT["schedule"], "starts_at": "2027-01-01", "timezone": zone}
    told = {one.field: one.new for one in changes(shown(SHORT), job(schedule=schedule))}
    assert told == {"schedule.starts_at": "2027-01-01", "schedule.timezone": zone}


def test_a_secret_in_plain_is_told_by_no_change() -> None:
    def of(task_type: str, **headers: str) -> dict[str, Any]:
        return job(task_type=task_type, data={"url": "https://example.com/", "headers": headers})

    mask, reference = "***", "Bearer {{secret.crm}}"
    name = "data.headers.Authorization"
    assert changes(shown(of("http")), of("http", Authorization="Bearer x"))[1:] == (Change(name, None, mask),)
    assert changes(shown(of("http", Authorization="Bearer x")), of("http", Authorization=reference)) == (
        Change(name, mask, reference),
    )
    former = shown(of("http", Authorization="Bearer x"))
    assert [one.new for one in changes(former, of("greet", Authorization="Bearer x"))] == ["greet", "Bearer x"]
