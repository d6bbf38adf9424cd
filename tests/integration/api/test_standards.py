"""JSON and instants by their standards, wherever the API reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.api.client import PRINTED, Client, refusal

EVERYWHERE = [
    ("POST", "/api/jobs"),
    ("POST", "/api/jobs/create"),
    ("POST", "/api/jobs/bulk"),
    ("POST", "/api/jobs/actions"),
    ("POST", "/api/jobs/send-email"),
    ("PUT", "/api/jobs/{job}"),
    ("PATCH", "/api/jobs/{job}"),
    ("POST", "/api/jobs/{job}/trigger"),
    ("POST", "/api/jobs/{job}/backfill"),
    ("POST", "/api/jobs/{job}/rewind"),
    ("POST", "/api/runs/replay"),
    ("POST", "/api/schedules/preview"),
    ("PUT", "/api/apps/a"),
    ("POST", "/api/register"),
    ("POST", "/api/login"),
    ("POST", "/scheduler/jobs"),
    ("POST", "/jobs/api/jobs"),
]
JSON = {"content_type": "application/json"}


@pytest.mark.parametrize(("method", "path"), EVERYWHERE)
def test_a_member_that_is_given_twice_is_named(client: Client, method: str, path: str) -> None:
    path = path.format(job=client.create()) if "{job}" in path else path
    body = b'{"data": {"x": [{"y": 1, "y": 2}]}, "z": 1, "z": 1}'
    assert refusal(client.simulate_request(method, path, body=body, **JSON)) == dict.fromkeys(
        ("data.x.0.y", "z"), "is given more than once; give it once."
    )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 2_000])
def test_a_number_that_json_does_not_have_is_named(client: Client, number: str) -> None:
    body = json.dumps({**PRINTED, "data": {"x": [0]}}).replace("[0]", f"[{number}]")
    assert set(refusal(client.simulate_post("/api/jobs/create", body=body, **JSON))) == {"data.x.0"}


def test_a_byte_order_mark_before_json_is_taken(client: Client) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(PRINTED).encode()
    assert client.simulate_post("/api/jobs/create", body=body, **JSON).status_code == 201


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_json_in_another_encoding_is_told(client: Client, encoding: str) -> None:
    result = client.simulate_post("/api/jobs/create", body=json.dumps(PRINTED).encode(encoding), **JSON)
    assert result.status_code == 400
    assert "send UTF-8" in result.json["detail"]


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 201),
        ("application/merge-patch+json", 415),
        ("text/json", 415),
    ],
)
def test_content_types(client: Client, content_type: str, status: int) -> None:
    result = client.simulate_post("/api/jobs/create", body=json.dumps(PRINTED), content_type=content_type)
    assert result.status_code == status


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("2027-03-01t09:30:00z", "2027-03-01T09:30:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2027-03-01T09:30:00.123456789-00:00", "2027-03-01T09:30:00.123456Z"),
    ],
)
def test_instants_of_a_body(client: Client, written: str, shown: str) -> None:
    job_id = client.create(schedule={"type": "run_at", "timestamp": written})
    assert client.simulate_get(f"/api/jobs/{job_id}").json["schedule"]["timestamp"] == shown


@pytest.mark.parametrize(
    "query",
    [
        "created_from=2030-01-01T00:00:00%2B01:00",
        "created_from=2030-01-01T00:00:00+01:00",
        "created_from=2030-01-01t00:00:00.5+0100",
        "created_from=2030-01-01T00:00+01:00",
        "created_from=2030-01-01+00:00:00+01:00",
        "created_before=2020-01-01T00:00:00-01:00",
        "created_before=2020-01-01t00:00:00z",
        "created_before=2016-12-31T23:59:60Z",
    ],
)
def test_instants_of_a_query_with_and_without_percent_encoding(client: Client, query: str) -> None:
    client.create()
    result = client.simulate_get("/api/jobs", query_string=query)
    assert (result.status_code, result.json.get("count")) == (200, 0)


def test_an_offset_without_percent_encoding_means_the_same(client: Client) -> None:
    job_id = client.create(schedule={"type": "cron", "expression": "0 * * * *"})
    found: list[Any] = [
        client.simulate_get(f"/api/jobs/{job_id}/why", query_string=f"at=2030-01-01T01:00:00{plus}01:00").json
        for plus in ("%2B", "+")
    ]
    assert found[0] == found[1]
    assert "2030-01-01T00:00:00Z" in json.dumps(found[0])


@pytest.mark.parametrize("query", ["created_from=2030-01-01T00:00:00+1", "created_from=+2030", "created_from=a+b"])
def test_what_is_no_instant_in_a_query_is_refused(client: Client, query: str) -> None:
    assert set(refusal(client.simulate_get("/api/jobs", query_string=query))) == {"created_from"}


def test_a_parameter_that_is_given_twice_is_named(client: Client) -> None:
    assert set(refusal(client.simulate_get("/api/jobs", query_string="limit=1&limit=1"))) == {"limit"}
