"""What callers send is taken exactly as promised."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import falcon
import pytest

from api import bodies, validation
from api.schemas.jobs import NewJob
from api.schemas.paging import JobsQuery, write_cursor
from api.schemas.shown_schedules import show
from core import schedules
from core.errors import InvalidInput
from core.listing import Mark
from models.fields import new_id
from tests.unit.api.parsing import GOOD, job_with, parsed, schedule


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "[" * 33 + "]" * 33,
        "[" * 500_000,
        '{"a":' * 40 + "1" + "}" * 40,
    ],
)
def test_what_is_not_json_or_nests_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(falcon.HTTPBadRequest) as refused:
        bodies.parse(text.encode())
    assert len(refused.value.description or "") < 300


def test_text_that_is_not_utf_8_is_refused() -> None:
    with pytest.raises(falcon.HTTPBadRequest):
        bodies.parse(b'{"a": "\xff"}')


def test_thirty_two_levels_are_taken() -> None:
    assert bodies.parse(b"[" * 32 + b"]" * 32) is not None


@pytest.mark.parametrize("text", ["[]", "5", '"text"', "null", "true"])
def test_a_body_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="body: must be a JSON object"):
        parsed(NewJob, text)


def test_the_printed_example_becomes_a_job() -> None:
    new = parsed(NewJob, json.dumps(GOOD)).parsed()
    assert new.schedule == schedules.Polling(30)
    assert (new.app_name, new.user_id, new.account_id) == ("app_a", "user1", "acc1")
    assert (new.data, new.priority, new.board_id) == ({"some_key": "some_value"}, 5, None)


def test_numbers_are_ids_too_and_the_account_becomes_text() -> None:
    new = parsed(NewJob, json.dumps(job_with(user_id=7, account_id=8, board_id=9))).parsed()
    assert (new.user_id, new.account_id, new.board_id) == (7, "8", 9)


@pytest.mark.parametrize(("given", "taken"), [("high", 8), ("medium", 5), ("low", 2), (0, 0), (9, 9)])
def test_priorities_are_numbers_or_words(given: str | int, taken: int) -> None:
    assert parsed(NewJob, json.dumps(job_with(priority=given))).parsed().priority == taken


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"timestamp": "2026-06-01T12:00:00"}, "2026-06-01T12:00:00"),
        ({"timestamp": "2026-06-01T12:00:00Z"}, "2026-06-01T12:00:00"),
        ({"timestamp": "2026-06-01T12:00:00+02:00"}, "2026-06-01T10:00:00"),
        ({"timestamp": "2026-06-01T12:00:00+02:00", "timezone": "Asia/Tokyo"}, "2026-06-01T10:00:00"),
        ({"timestamp": "2026-06-01T12:00:00", "timezone": "Europe/Berlin"}, "2026-06-01T10:00:00"),
        ({"timestamp": "2026-03-29T02:30:00", "timezone": "Europe/Berlin"}, "2026-03-29T01:30:00"),  # gap
        ({"timestamp": "2026-10-25T02:30:00", "timezone": "Europe/Berlin"}, "2026-10-25T00:30:00"),  # twice
        ({"timestamp": "2199-12-31T23:59:59-23:59"}, "2200-01-01T23:58:59"),
        ({"timestamp": "1970-01-01T00:00:00+23:59"}, "1969-12-31T00:01:00"),
    ],
)
def test_a_timestamp_is_read_in_its_own_zone_or_the_one_given(fields: dict[str, str], at: str) -> None:
    new = parsed(NewJob, json.dumps(job_with(**schedule("run_at", **fields)))).parsed()
    assert new.schedule == schedules.RunAt(datetime.fromisoformat(at).replace(tzinfo=UTC))


def test_every_kind_of_schedule_is_shown_as_it_may_be_sent() -> None:
    for given in (
        {"type": "immediate"},
        {"type": "run_at", "timestamp": "2026-06-01T12:00:00Z"},
        {"type": "delay_from_now", "duration_seconds": 1.5},
        {"type": "cron", "expression": "0 9 * * mon", "timezone": "Europe/Berlin", "starts_at": None}
        | {"ends_at": "2027-01-01T00:00:00Z", "max_runs": 3, "jitter_seconds": 2.5},
        {"type": "interval", "every_seconds": 90.0, "timezone": "UTC", "starts_at": "2026-06-01T12:00:00Z"},
        {"type": "interval", "frequency": "monthly", "timezone": "Europe/Berlin"},
        {"type": "polling", "interval_seconds": 0.5, "max_polls": 3, "give_up_after_seconds": 60.0},
    ):
        new = parsed(NewJob, json.dumps(job_with(schedule=given))).parsed()
        shown = json.loads(show(new.schedule).model_dump_json())
        assert {name: value for name, value in shown.items() if value is not None or name in given} == given


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:9000/hooks?x=1", "https://app.example.com", "http://[::1]:80/", "HTTPS://A.example"],
)
def test_a_url_that_can_be_called_is_kept_as_given(url: str) -> None:
    assert parsed(NewJob, json.dumps(job_with(callback_url=url))).parsed().callback_url == url


def test_a_cursor_leads_back_to_its_id() -> None:
    last = Mark(new_id())
    assert validation.query(JobsQuery, {"cursor": write_cursor(last)}).cursor == last
