"""Lists on both databases: the same order, the same matches, and few questions for a page."""

# ruff: noqa: RUF001  the scripts of the world

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core.errors import InvalidInput, NotFound
from core.filters import JobFilter, RunFilter, StatusesOfApp
from core.listing import NEWEST_FIRST, Ordering, Stretch
from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow
from core.states import JobStatus
from models import counting, database, lists, searching, shown_runs
from services.apps import apps
from services.execution.work import Result, Succeeded
from services.jobs import creating, lifecycle
from services.reading import listing, records
from services.reading.counting import KEPT_SECONDS, LONG, MAX_KEPT, Counts
from services.reading.views import Page
from tests import statements
from tests.factories import (
    NOON,
    GivenClock,
    GivenSystem,
    claim,
    failed,
    new_job,
    record,
    refused,
    stored_job,
    succeeded,
)

ALL = Stretch(limit=100)
NAMES = ("Zebra", "ant", "Bee", "éclair", "100%", "a_b", "aXb", "back\\slash", None)


def _found(ordering: str = "created_at", **wanted: Any) -> list[Any]:
    page = _page(ordering, ALL, **wanted)
    assert page.count == len(page.items)
    return [view.name for view in page.items]


def _page(ordering: str, stretch: Stretch, **wanted: Any) -> Page:
    return listing.jobs(LOCAL, Counts(GivenClock()), JobFilter(**wanted), Ordering.of(ordering), stretch)


def _create_named(system: GivenSystem) -> None:
    for name in NAMES:
        creating.create(LOCAL, system, new_job(name=name))


def test_names_are_in_the_order_of_their_characters_whatever_the_database(system: GivenSystem) -> None:
    _create_named(system)
    assert _found("name") == [None, "100%", "Bee", "Zebra", "aXb", "a_b", "ant", "back\\slash", "éclair"]
    assert _found("-name") == _found("name")[::-1]


def test_jobs_without_a_deadline_come_last_whatever_the_database(system: GivenSystem) -> None:
    deadlines = {"none": None, "late": 3, "soon": 1, "nor this": None, "soon too": 1}
    for name, hours in deadlines.items():
        deadline_at = None if hours is None else NOON + timedelta(hours=hours)
        creating.create(LOCAL, system, new_job(name=name, deadline_at=deadline_at))
    expected = ["soon", "soon too", "late", "none", "nor this"], ["late", "soon too", "soon", "nor this", "none"]
    for ordering, names in zip(("deadline", "-deadline"), expected, strict=True):
        assert _found(ordering) == names
        assert _walked(ordering, 2) == names


def test_a_long_result_is_shown_with_its_run_and_left_out_of_lists(system: GivenSystem) -> None:
    results = {"short": {"rows": 3}, "long": "x" * shown_runs.LONGEST_RESULT_LISTED, "none": None}
    for name in results:
        creating.create(LOCAL, system, new_job(name=name))
    for work in claim(system):
        record(system, work, Succeeded(200, "{}", result=results[str(stored_job(work.job_id).name)]))
    page = listing.runs(LOCAL, Counts(GivenClock()), RunFilter(), ALL)
    listed = {view.job_name: (view.result, view.result_left_out) for view in page.items}
    assert listed == {"short": ({"rows": 3}, False), "long": (None, True), "none": (None, False)}
    for view in page.items:
        alone, _ = records.run(LOCAL, view.id)
        assert (alone.result, alone.result_left_out) == (results[str(view.job_name)], False)


def _walked(ordering: str, limit: int, **wanted: Any) -> list[Any]:
    """The names in all pages, each from where the one before ended."""
    page, names, mark = None, [], None
    while page is None or mark is not None:
        page = _page(ordering, Stretch(limit=limit, after=mark), **wanted)
        names += [view.name for view in page.items]
        mark = page.last
    return names


@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("ANT", ["ant"]),
        ("bEE", ["Bee"]),
        ("%", ["100%"]),
        ("a_b", ["a_b"]),
        ("\\", ["back\\slash"]),
        ("éCLAIR", ["éclair"]),
        ("ÉCLAIR", ["éclair"]),
        ("e\u0301cl", ["éclair"]),
        ("ｚｅｂｒａ", ["Zebra"]),
        ("'; --", []),
        ("reet", list(NAMES)),  # the task type
        ("PP_A", list(NAMES)),  # the app
    ],
)
def test_a_search_looks_for_a_part_of_a_text_to_the_letter(
    system: GivenSystem, search: str, names: list[str | None]
) -> None:
    _create_named(system)
    assert _found(search=search) == names


@pytest.mark.parametrize("few", [3, 100])
@pytest.mark.parametrize("ordering", ["-created_at", "name", "-priority"])
def test_a_search_finds_few_and_many_in_the_same_order_and_counts_them(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, few: int, ordering: str
) -> None:
    monkeypatch.setattr(searching, "FEW", few)
    for number in range(7):
        creating.create(LOCAL, system, new_job(name=f"night {number}", priority=number % 3))
    creating.create(LOCAL, system, new_job(name="day"))
    in_order = [name for name in _found(ordering) if name != "day"]
    assert _found(ordering, search="night") == in_order
    assert _walked(ordering, 2, search="night") == in_order
    pages = (_page(ordering, Stretch(limit=2, page=number), search="night") for number in (1, 2, 3, 4))
    assert [(page.count, [view.name for view in page.items]) for page in pages] == [
        (7, in_order[first : first + 2]) for first in (0, 2, 4, 6)
    ]
    with pytest.raises(NotFound):
        _page(ordering, Stretch(limit=2, page=5), search="night")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("nightly", "NIGHTLY"),
        ("Ärger", "ärger"),
        ("Ärger", "A\u0308rger"),
        ("ΣΑΣ", "σας"),
        ("Straße", "STRASSE"),
        ("ｎｉｇｈｔｌｙ", "nightly"),
        ("日次　レポート", "日次 レポート"),
        ("night\u200bly", "nightly"),
        ("می\u200cشود", "میشود"),
    ],
)
def test_a_name_is_taken_in_all_its_spellings_and_kept_and_found_in_its_own(
    system: GivenSystem, first: str, second: str
) -> None:
    creating.create(LOCAL, system, new_job(name=first, title=first))
    with pytest.raises(InvalidInput, match="another job"):
        creating.create(LOCAL, system, new_job(name=second))
    assert _found(name=first) == _found(name=second) == _found(search=second) == [first]
    creating.create(LOCAL, system, new_job(app_name="app_b", name=second))


def test_an_app_is_one_in_all_spellings_of_its_name(system: GivenSystem) -> None:
    for app_name in ("Müller", "MÜLLER", "Mu\u0308ller", "ｍüller"):
        creating.create(LOCAL, system, new_job(app_name=app_name))
        assert apps.get(LOCAL, app_name).name == "Müller"
    assert len(_found(app_name="müller")) == len(_found(search="MÜLL")) == 4
    counts = Counts(system.clock)
    assert listing.runs(LOCAL, counts, RunFilter(app_name="MÜLLER"), ALL).count == 4


def test_a_list_by_status_agrees_with_what_each_job_shows(system: GivenSystem) -> None:
    ids = {name: creating.create(LOCAL, system, new_job(name=name)) for name in ("done", "bad", "again", "going")}
    results: dict[UUID, Result] = {ids["done"]: succeeded(), ids["bad"]: refused(), ids["again"]: failed()}
    for work in claim(system):
        if work.job_id in results:
            record(system, work, results[work.job_id])
    creating.create(LOCAL, system, new_job(name="due"))
    creating.create(LOCAL, system, new_job(DelayFromNow(60), name="later"))
    lifecycle.pause(LOCAL, system, creating.create(LOCAL, system, new_job(name="held")))
    lifecycle.cancel(LOCAL, system, creating.create(LOCAL, system, new_job(name="ended")))
    expected = {
        JobStatus.CANCELLED: ["ended"],
        JobStatus.COMPLETED: ["done"],
        JobStatus.FAILED: ["bad"],
        JobStatus.PAUSED: ["held"],
        JobStatus.PENDING: ["later"],
        JobStatus.QUEUED: ["again", "due"],
        JobStatus.RUNNING: ["going"],
    }
    assert _found("status") == [name for names in expected.values() for name in names]
    for status, names in expected.items():
        assert _found(status=status) == names


def test_a_status_may_mean_others_in_one_app(system: GivenSystem) -> None:
    for app in ("app_a", "app_b"):
        creating.create(LOCAL, system, new_job(app_name=app, name=f"{app} due"))
        creating.create(LOCAL, system, new_job(DelayFromNow(60), app_name=app, name=f"{app} later"))
    both = StatusesOfApp("app_a", (JobStatus.PENDING, JobStatus.QUEUED))
    assert _found(status=JobStatus.PENDING, status_but=both) == ["app_a due", "app_a later", "app_b later"]
    assert _found(status=JobStatus.QUEUED, status_but=StatusesOfApp("app_a", ())) == ["app_b due"]


def test_a_page_takes_as_few_questions_for_many_items_as_for_one(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []
    for limit in (1, 50):
        for _ in range(limit + 1):  # so that more follow, and are counted
            creating.create(LOCAL, system, new_job(Cron("* * * * *"), tags=("a", "b")))
        with statements.noted() as asked:
            listing.jobs(LOCAL, Counts(system.clock), JobFilter(), NEWEST_FIRST, Stretch(limit=limit))
            listing.runs(LOCAL, Counts(system.clock), RunFilter(), Stretch(limit=limit))
        counted.append(len(asked))
    assert counted[0] == counted[1]


# --- Counts ------------------------------------------------------------------------------------------------


class _List:
    """A list of some length, which remembers how often it was counted."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.counted = 0

    def count(self) -> int:
        self.counted += 1
        return self.length


def test_a_short_list_is_counted_anew_and_a_long_one_once_a_minute() -> None:
    clock = GivenClock()
    counts, short, long = Counts(clock), _List(LONG - 1), _List(LONG)
    for _ in range(3):
        assert counts.of("short", short.count, is_first_page=True) == LONG - 1
        assert counts.of("long", long.count, is_first_page=True) == LONG
    assert (short.counted, long.counted) == (3, 1)
    clock.advance(KEPT_SECONDS)
    long.length += 1
    assert counts.of("long", long.count, is_first_page=True) == LONG + 1


def test_the_pages_after_the_first_do_not_count_again() -> None:
    counts, short = Counts(GivenClock()), _List(7)
    for is_first_page in (True, False, False):
        assert counts.of("short", short.count, is_first_page=is_first_page) == 7
    assert short.counted == 1


def test_each_filter_has_a_count_of_its_own_and_not_all_are_kept() -> None:
    counts, other = Counts(GivenClock()), _List(LONG)
    first = _List(LONG + 1)
    counts.of(JobFilter(name="a"), first.count, is_first_page=True)
    for number in range(MAX_KEPT):
        assert counts.of(JobFilter(name=f"b{number}"), other.count, is_first_page=True) == LONG
    counts.of(JobFilter(name="a"), first.count, is_first_page=True)
    assert first.counted == 2


def test_a_run_of_another_job_is_not_among_a_jobs_runs(system: GivenSystem) -> None:
    ids: list[UUID] = [creating.create(LOCAL, system, new_job(name=name)) for name in ("one", "two")]
    page = listing.runs_of_job(LOCAL, Counts(system.clock), ids[0], ALL)
    assert [(run.job_id, run.job_name, page.count) for run in page.items] == [(ids[0], "one", 1)]


def test_more_than_the_limit_are_not_counted_one_by_one(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        creating.create(LOCAL, system, new_job(name=f"job {number}", account_id="many"))
    monkeypatch.setattr(counting, "MAX_COUNTED", 5)
    wanted = JobFilter(account_id="many"), RunFilter(account_id="many")
    with statements.noted() as sent, database.reading():
        counts = lists.job_count(wanted[0]), lists.run_count(wanted[1])
    if database.is_sqlite():
        assert counts == (6, 6)
    else:
        assert min(counts) >= 6, "at least what was counted"
        assert sum("LIMIT" in sql and "COUNT" in sql for sql, _ in sent) == 2
        assert sum(sql.startswith("EXPLAIN") for sql, _ in sent) == 2
    monkeypatch.setattr(counting, "MAX_COUNTED", 6)
    with database.reading():
        assert (lists.job_count(wanted[0]), lists.run_count(wanted[1])) == (6, 6)
