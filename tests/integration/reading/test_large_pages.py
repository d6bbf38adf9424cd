"""Pages of large items: they end early, the rest follows, and no more is read than is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from core.errors import InvalidInput, TransientFailure
from core.filters import JobFilter
from core.listing import Mark, Ordering, Stretch, count_that_fits
from core.principals import LOCAL
from core.schedules import Cron
from models import calls, database, shown_jobs, sized, versions
from models.tables import Job, JobVersion
from services.execution.work import Failed
from services.jobs import creating, version_history
from services.reading import listing, records
from services.reading.counting import Counts
from services.reading.views import Page
from tests import statements
from tests.factories import GivenClock, GivenSystem, first_run, new_job, stored_job
from tests.integration.execution.attempting import attempt, make_due_again

BYTES = 100_000
ROOM = 250_000


@pytest.fixture
def large(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs with large data, and small ones between them, where a page has room for two of the large ones."""
    monkeypatch.setattr(shown_jobs, "MAX_BYTES_IN_PAGE", ROOM)
    names = ["a", "b", "c", "d", "e", "f"]
    for number, name in enumerate(names):
        data = {"text": "x" * (BYTES if number % 3 else 10)}
        creating.create(LOCAL, system, new_job(Cron("0 0 * * *"), name=name, data=data, metadata={"of": name}))
    return names


def page(ordering: str = "name", after: Mark | None = None, *, limit: int = 100, number: int | None = None) -> Page:
    stretch = Stretch(limit=limit, after=after, page=number)
    return listing.jobs(LOCAL, Counts(GivenClock()), JobFilter(), Ordering.of(ordering), stretch)


@pytest.mark.parametrize("ordering", ["name", "-name", "created_at", "-created_at", "priority"])
def test_a_page_that_is_full_ends_early_and_the_rest_follows(large: list[str], ordering: str) -> None:
    pages = [page(ordering)]
    while pages[-1].last is not None:
        pages.append(page(ordering, pages[-1].last))
    found = [view for one in pages for view in one.items]
    assert [view.name for view in found] == sorted(large, reverse=ordering.startswith("-"))
    assert [view.metadata for view in found] == [{"of": view.name} for view in found]
    assert {len(view.data["text"]) for view in found} == {10, BYTES}
    assert len(pages) == 2
    assert pages[0].count == len(large)


def test_what_is_not_shown_is_not_read(large: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def note(ask: Callable[..., list[tuple[Any, ...]]]) -> Callable[..., list[tuple[Any, ...]]]:
        def asked(text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
            rows = ask(text, parameters)
            read.extend(len(value) for row in rows for value in row if isinstance(value, str))
            return rows

        return asked

    monkeypatch.setattr(database, "rows", note(database.rows))
    assert len(page().items) < len(large)
    assert sum(read) < ROOM


def test_a_page_has_one_job_however_large(large: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown_jobs, "MAX_BYTES_IN_PAGE", 1)
    found = page(limit=2)
    assert [view.name for view in found.items] == large[:1]
    assert found.last is not None


def test_a_numbered_page_leaves_no_job_out_but_is_refused(large: list[str]) -> None:
    with pytest.raises(InvalidInput, match="limit: is 100, but this page has room for 4 of these jobs"):
        page(number=1)
    assert [view.name for number in (1, 2, 3) for view in page(limit=2, number=number).items] == large


def test_of_large_attempts_and_calls_the_newest_are_shown(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "FEW_ATTEMPTS", 3)
    run = first_run(system, max_retries=10)
    for number in range(1, 5):
        attempt(system, Failed(TransientFailure("x" * 100, status_code=503), answer="y" * 100))
        with database.transaction():
            calls.insert([(run.id, number, f'"{"z" * 298}"')])
        make_due_again(system, run.id)
    monkeypatch.setattr(sized, "MAX_BYTES_IN_PAGE", 700)
    _, attempts = records.run(LOCAL, run.id)
    assert [(one.number, one.call is not None) for one in attempts] == [(2, False), (3, True), (4, True)]
    monkeypatch.setattr(sized, "MAX_BYTES_IN_PAGE", 1)
    assert [one.number for one in records.run(LOCAL, run.id)[1]] == [4]


@pytest.mark.parametrize("account", [None, "acc1"])
def test_versions_are_listed_without_reading_all_that_they_say_at_once(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, account: str | None
) -> None:
    job_id = creating.create(LOCAL, system, new_job())
    for number in range(4):
        with database.transaction():
            versions.keep(stored_job(job_id), {"account_id": "acc1"}, system.clock.now(), by="anna", reason=None)
            Job.update(version=number + 2).where(Job.id == job_id).execute()
    with database.transaction():
        JobVersion.update(account_id=None).where(JobVersion.version != 2).execute()  # as the former release did
    monkeypatch.setattr(versions, "_AT_ONCE", 2)
    who = LOCAL if account is None else replace(LOCAL, account_id=account)
    with statements.noted() as asked:
        assert [one.version for one in version_history.listed(who, job_id)] == [5, 4, 3, 2, 1]
    assert sum('"definition"' in sql for sql, _ in asked) == (0 if account is None else 2)


@pytest.mark.parametrize(
    ("sizes", "count"), [([], 0), ([11], 1), ([5, 5], 2), ([5, 6], 1), ([11, 1], 1), ([1, 2, 3, 4, 1], 4)]
)
def test_as_many_fit_as_there_is_room_for_and_one_at_least(sizes: list[int], count: int) -> None:
    assert count_that_fits(sizes, 10) == count
