"""The client's list of a job's fields is that of the API: as the OpenAPI document describes a new job."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from falcon.testing import TestClient

from api.app import create_app
from client import schedule_options
from client.job_fields import BY_OPTION, JOB_FIELDS, as_sent
from core import schedules
from tests.factories import given_system


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    app = create_app(given_system(), lambda: True, threading.Event())
    document = TestClient(app).simulate_get("/openapi.json", host="localhost").json
    found: dict[str, Any] = document["components"]["schemas"]
    return found


def test_the_fields_are_those_of_a_new_job(described: dict[str, Any]) -> None:
    new_job = described["NewJob"]
    assert {one.name for one in JOB_FIELDS} == set(new_job["properties"])
    assert {one.name for one in JOB_FIELDS if one.is_needed} == set(new_job["required"])


def test_the_defaults_are_those_of_a_new_job(described: dict[str, Any]) -> None:
    shown = described["NewJob"]["properties"]
    told = {one.name: one.default for one in JOB_FIELDS if not one.is_needed and "default" in shown[one.name]}
    assert told == {name: field["default"] for name, field in shown.items() if "default" in field}
    assert {one.name for one in JOB_FIELDS if not one.is_needed} - told.keys() == {"tags"}  # made anew for each job


@pytest.mark.parametrize("name", ["catch_up", "overlap"])
def test_help_names_every_word_that_the_api_takes(described: dict[str, Any], name: str) -> None:
    [field] = [one for one in JOB_FIELDS if one.name == name]
    words = described["NewJob"]["properties"][name]["enum"]
    assert words
    assert all(word in (field.help or "") for word in words)


@pytest.mark.parametrize("kind", schedules.KINDS.values())
def test_every_member_of_every_schedule_has_an_option(
    described: dict[str, Any], kind: type[schedules.Schedule]
) -> None:
    taken = {one.name for one in schedule_options.options()} | set(kind.option.members) | {"type"}
    assert set(described[f"{kind.__name__}Schedule"]["properties"]) <= taken


def test_options_are_written_once_and_each_has_its_own_name() -> None:
    options = [*(one.option for one in BY_OPTION), *(one.flag for one in schedule_options.options())]
    assert len(set(options)) == len(options)
    names = [*(one.name for one in BY_OPTION), *(one.name for one in schedule_options.options())]
    assert len(set(names)) == len(names)


def test_nought_is_sent_and_what_was_not_given_is_not() -> None:
    given = dict.fromkeys((one.name for one in BY_OPTION), None) | {"max_retries": 0, "expire": False, "tags": []}
    assert as_sent(given) == {"max_retries": 0}
