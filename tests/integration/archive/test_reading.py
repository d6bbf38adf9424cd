"""The archive as it is read: days, the runs of a day in pages, one run; by the API and by the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from core.archives import Part
from services.archive import counting, reading, storing
from services.maintenance import pruning
from tests.factories import GivenSystem
from tests.integration.api.client import NO_JOB, Client, refusal
from tests.integration.archive.archiving import DAY, DAY_SECONDS, ended, let_them_age, parts, shown
from tests.integration.command_line.terminal import Terminal, listening

NEXT_DAY = "2026-11-21"


@pytest.fixture
def runs(system: GivenSystem) -> list[str]:
    """Archived runs: three of one app on a day, one of another app on it, and one of the first on the next day."""
    made = ended(system, 3) + ended(system, app_name="my app")
    system.clock.advance(DAY_SECONDS)
    made += ended(system)
    let_them_age(system)
    sum(pruning.sweep(system))
    return made


def walked(client: Client, path: str, **params: Any) -> Iterator[list[Any]]:
    """The results of each page of a list."""
    found = client.simulate_get(path, params=params).json
    yield found["results"]
    asked = set()
    while found["next"]:
        assert found["next"] not in asked, "a page leads back to itself"
        asked.add(found["next"])
        path, _, query = found["next"].partition("?")
        found = client.simulate_get(path, query_string=query).json
        yield found["results"]


def test_days_are_listed_newest_first_with_how_many_runs_of_which_apps(client: Client, runs: list[str]) -> None:
    pages = list(walked(client, "/api/archive", limit=1))
    assert [[day["day"] for day in page] for page in pages] == [[NEXT_DAY], [DAY]]
    [day] = pages[1]
    assert [(one["app_name"], one["runs"]) for one in day["apps"]] == [("app_a", 3), ("my app", 1)]
    assert all(one["size"] > 100 for one in day["apps"])


@pytest.fixture
def stored_twice(system: GivenSystem) -> list[str]:
    """Runs of a day of which some are in two parts, as a crash between storing and deleting leaves them."""
    runs = ended(system, 3)
    let_them_age(system)
    storing.store(system, [UUID(one) for one in runs[:2]])
    storing.store(system, [UUID(one) for one in runs])
    return runs


def listed(client: Client) -> tuple[int, bool]:
    """How many runs the list of days shows, and whether that is exact."""
    [day] = client.simulate_get("/api/archive").json["results"]
    [of_app] = day["apps"]
    return of_app["runs"], of_app["is_exact"]


def test_a_run_that_is_stored_twice_counts_once(
    client: Client, system: GivenSystem, stored_twice: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(parts(system)) == 2
    assert listed(client) == (3, True)
    monkeypatch.setattr(counting, "MAX_BYTES_READ", 10)
    assert listed(client) == (5, False), "it would take too much reading"
    with listening(system) as url:
        assert "at most 5" in Terminal(url).ok("archive", "list")


def test_a_damaged_part_leaves_the_number_of_runs_inexact(
    client: Client, system: GivenSystem, stored_twice: list[str]
) -> None:
    parts(system)[0].write_bytes(b"not zipped")
    assert listed(client) == (5, False)


BOUNDS: list[tuple[dict[str, str], list[str]]] = [
    ({"first_day": NEXT_DAY}, [NEXT_DAY]),
    ({"last_day": DAY}, [DAY]),
    ({"first_day": DAY, "last_day": NEXT_DAY}, [NEXT_DAY, DAY]),
    ({"first_day": "2027-01-01"}, []),
    ({"last_day": "2025-12-31"}, []),
    ({"app_name": "My App"}, [DAY]),
    ({"app_name": "nobody"}, []),
]


def test_days_are_listed_within_bounds_and_of_one_app(client: Client, runs: list[str]) -> None:
    for params, days in BOUNDS:
        listed = [day["day"] for page in walked(client, "/api/archive", **params) for day in page]
        assert listed == days, params


def test_the_runs_of_a_day_come_by_app_in_the_order_of_their_ends_page_by_page(client: Client, runs: list[str]) -> None:
    for limit in (1, 2, 3, 4):
        pages = [[run["id"] for run in page] for page in walked(client, f"/api/archive/{DAY}", limit=limit)]
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert [run for page in pages for run in page] == runs[:4]
    assert shown(client, app_name="my app") == runs[3:4]
    assert shown(client, NEXT_DAY) == runs[4:]
    assert shown(client, "2026-11-19") == []


def test_a_page_ends_early_where_runs_are_large(
    client: Client, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES_IN_PAGE", 1)
    pages = list(walked(client, f"/api/archive/{DAY}"))
    assert [run["id"] for [run] in pages] == runs[:4]


def test_a_run_is_found_by_its_id_from_its_making_on(client: Client, system: GivenSystem) -> None:
    system.clock.set(datetime.now(UTC))  # ids are made by the machine's clock
    runs = ended(system, 3)
    let_them_age(system)
    sum(pruning.sweep(system))
    assert client.simulate_get(f"/api/archive/runs/{runs[1]}").json["id"] == runs[1]
    later = client.simulate_get(f"/api/archive/runs/{runs[1]}", params={"since": "2190-01-01"})
    assert (later.status_code, "2190-01-01 or later" in later.json["detail"]) == (404, True)
    assert client.simulate_get(f"/api/archive/runs/{NO_JOB}").status_code == 404


def test_a_search_that_ends_early_says_where_to_look_on(
    client: Client, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_DAYS_LOOKED_THROUGH", 1)
    path = f"/api/archive/runs/{runs[4]}"
    assert f"since={NEXT_DAY}" in client.simulate_get(path, params={"since": "2026-01-01"}).json["detail"]
    assert client.simulate_get(path, params={"since": NEXT_DAY}).json["id"] == runs[4]


@pytest.mark.parametrize("bound", ["MAX_PARTS_LOOKED_THROUGH", "MAX_BYTES_LOOKED_THROUGH"])
def test_a_search_reads_so_many_parts_and_bytes_and_says_so(
    client: Client, system: GivenSystem, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(storing, "MAX_OF_A_PART", 1)
    runs = ended(system, 2)
    let_them_age(system)
    sum(pruning.sweep(system))
    monkeypatch.setattr(Part, "may_hold", lambda *_: True)
    monkeypatch.setattr(reading, bound, 1)
    told = client.simulate_get(f"/api/archive/runs/{NO_JOB}", params={"since": DAY}).json["detail"]
    assert f"in 1 parts from {DAY} to {DAY}" in told
    assert client.simulate_get(f"/api/archive/runs/{runs[0]}", params={"since": DAY}).status_code == 200


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("/api/archive", {"first_day": "today"}, "first_day"),
    ("/api/archive", {"last_day": "2026-02-30"}, "last_day"),
    ("/api/archive/20261120", {}, "day"),
    (f"/api/archive/{DAY}", {"after": "x"}, "after"),
    (f"/api/archive/runs/{NO_JOB}", {"since": "1"}, "since"),
]


def test_what_is_no_day_or_place_is_refused(client: Client) -> None:
    for path, params, field in WRONG:
        assert list(refusal(client.simulate_get(path, params=params))) == [field]


def test_a_damaged_part_is_told_and_not_taken_for_an_empty_one(
    client: Client, system: GivenSystem, runs: list[str]
) -> None:
    part = parts(system)[0]
    for content in (b"", b"not zipped", part.read_bytes()[:-20]):
        part.write_bytes(content)
        answer = client.simulate_get(f"/api/archive/{DAY}")
        assert answer.status_code == 503
        assert part.name in answer.json["detail"]


def test_the_command_line_lists_days_and_shows_a_day_and_a_run(system: GivenSystem, runs: list[str]) -> None:
    with listening(system) as url:
        terminal = Terminal(url)
        assert [day["day"] for day in terminal.json("archive", "list", "--from", NEXT_DAY)] == [NEXT_DAY]
        listed = terminal.ok("archive", "list", "--app", "my app", "--to", NEXT_DAY)
        assert listed.splitlines()[1].split()[:4] == [DAY, "my", "app", "1"]
        assert runs[3] in terminal.ok("archive", "show", DAY, "--app", "my app")
        lines = terminal.ok("archive", "show", DAY, "--limit", "2", "--json").splitlines()
        assert [run in line for run, line in zip(runs, lines, strict=False)] == [True, True]
        assert "succeeded" in terminal.ok("archive", "show", runs[0], "--from", DAY)
        assert "neither" in terminal.refused("archive", "show", "yesterday", code=2)
