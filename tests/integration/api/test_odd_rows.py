"""A row that already stands in the database, and that no version of today would write, never breaks a list."""

from __future__ import annotations

import pytest

from tests.factories import GivenSystem, claim, record, succeeded
from tests.integration.api.client import Client, served
from tests.integration.api.rows import write

DEEP = "[" * 500 + "]" * 500
LISTS = ["/api/jobs", "/api/runs", "/api/upcoming", "/scheduler/jobs/", "/jobs/api/jobs/", "/api/jobs?ordering=-status"]


@pytest.mark.parametrize(
    ("column", "stored"),
    [
        ("runs.result", r'{"name":"\udcff"}'),
        ("runs.result", r'{"\uDCFF":"\uD83D"}'),
        ("runs.result", "no JSON"),
        ("runs.result", '{"n":NaN,"i":Infinity}'),
        ("runs.result", DEEP),
        ("runs.progress", "{"),
        ("jobs.data", r'{"name":"\ud800"}'),
        ("jobs.data", "[1,"),
        ("jobs.data", '"text"'),
        ("jobs.metadata", f'{{"a":{DEEP}}}'),
        ("jobs.user_id", "no JSON"),
        ("jobs.user_id", r'"\udcff"'),
        ("jobs.schedule", '{"type":"moon"}'),
        ("jobs.schedule", '{"type":"cron","expression":"L","zone":1}'),
        ("jobs.schedule", "no JSON"),
    ],
)
def test_a_bad_row_breaks_no_list(system: GivenSystem, column: str, stored: str) -> None:
    client = Client(served(system))
    odd, neighbour = client.create(), client.create()
    for work in claim(system):
        record(system, work, succeeded())
    table, name = column.split(".")
    key = "job_id" if table == "runs" else "id"
    write(f"UPDATE {table} SET {name} = {{}} WHERE {key} = {{}}", stored, odd)  # noqa: S608  from the table above
    for path in [*LISTS, f"/api/jobs/{odd}/runs", f"/api/jobs/{odd}/executions"]:
        answer = client.simulate_get(path)
        assert answer.status_code == 200, (path, answer.text)
    assert neighbour in client.simulate_get("/api/jobs").text
    assert neighbour in client.simulate_get("/api/runs").text


def test_metadata_that_is_no_object_breaks_no_list_of_003(client: Client) -> None:
    rows = [{"name": name, "cron_expression": "0 9 * * 1"} for name in ("odd", "neighbour")]
    odd, neighbour = (client.simulate_post("/scheduler/jobs/", json=row).json for row in rows)
    write("UPDATE jobs SET metadata = {} WHERE id = {}", '"text"', odd["id"])
    assert client.simulate_get("/scheduler/jobs/").json == [neighbour]


def test_a_text_in_sqlite_that_is_no_utf8_is_read_as_far_as_it_goes(sqlite: str, system: GivenSystem) -> None:
    client = Client(served(system))
    job_id = client.create()
    write("UPDATE runs SET error_message = CAST(x'61ff' AS TEXT) WHERE job_id = {}", job_id)
    [run] = client.simulate_get(f"/api/jobs/{job_id}/runs").json["results"]
    assert run["error_message"] == "a\ufffd"
