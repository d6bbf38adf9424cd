"""Jobs by a member of their metadata, on both databases: equality, at the top, and nothing breaks a list."""

from __future__ import annotations

from typing import Any

import pytest

from core import job_metadata
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL
from models import database, lists, searching
from models.tables import Job, db
from services.jobs import creating
from services.reading import listing
from services.reading.counting import Counts
from tests.factories import GivenClock, GivenSystem, new_job

METADATA: dict[str, Any] = {
    "text": {"team": "billing", "size": "7"},
    "number": {"team": "sales", "size": 7},
    "decimal": {"size": 7.5},
    "words": {"done": True, "left": None},
    "one": {"done": 1, "left": 0},
    "within": {"of": {"team": "billing", "size": 7}},
    "list": {"team": ["billing"], "size": [7]},
    "hidden": {"note": '"team":"billing"', 'a"team': "billing"},
    "odd": {"Größe ☃": "50%_\\ \U0001f600", "": "empty", "none": ""},
    "nothing": None,
}


def found(text: str, **wanted: Any) -> list[Any]:
    meant = JobFilter(metadata=job_metadata.read(text), **wanted)
    page = listing.jobs(LOCAL, Counts(GivenClock()), meant, NEWEST_FIRST, Stretch(limit=100))
    return [job.name for job in reversed(page.items)]


@pytest.fixture
def jobs(system: GivenSystem) -> GivenSystem:
    for name, metadata in METADATA.items():
        creating.create(LOCAL, system, new_job(name=name, metadata=metadata))
    return system


@pytest.mark.parametrize(
    ("member", "names"),
    [
        ("team:billing", ["text"]),
        ("team:bill", []),
        ("Team:billing", []),
        ("size:7", ["text", "number"]),
        ("size:7.0", ["number"]),
        ("size:7.5", ["decimal"]),
        ("done:true", ["words"]),
        ("done:1", ["one"]),
        ("left:null", ["words"]),
        ("left:0", ["one"]),
        ('a"team:billing', ["hidden"]),
        ('note:"team":"billing"', ["hidden"]),
        ("Größe ☃:50%_\\ \U0001f600", ["odd"]),
        ("none:", ["odd"]),
        ("of:billing", []),
    ],
)
def test_a_member_is_found_by_its_value_at_the_top_alone(jobs: GivenSystem, member: str, names: list[str]) -> None:
    assert found(member) == names


def test_other_filters_and_pages_hold_too(jobs: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    creating.create(LOCAL, jobs, new_job(name="other", app_name="app_b", metadata={"size": 7}))
    assert found("size:7") == ["text", "number", "other"]
    assert found("size:7", app_name="app_a") == ["text", "number"]
    assert found("size:7", search="numb") == ["number"]
    known = lists.job_page(JobFilter(metadata=job_metadata.read("size:7")), NEWEST_FIRST, Stretch(limit=2)).count
    assert known == 3, "the jobs are read once"
    for few in (searching.FEW, 0):
        monkeypatch.setattr(searching, "FEW", few)
        counts, wanted = Counts(GivenClock()), JobFilter(metadata=job_metadata.read("size:7"))
        first = listing.jobs(LOCAL, counts, wanted, NEWEST_FIRST, Stretch(limit=2))
        rest = listing.jobs(LOCAL, counts, wanted, NEWEST_FIRST, Stretch(limit=2, after=first.last))
        assert (first.count, [job.name for page in (first, rest) for job in page.items]) == (
            3,
            ["other", "number", "text"],
        )


@pytest.mark.parametrize(
    "stored",
    [f'{{"team":"billing"{rest}' for rest in ("", r',"a":"\u0000"}', r',"a":"\ud800"}', ',"a":NaN}')],
)
def test_a_row_that_cannot_be_read_breaks_no_list(jobs: GivenSystem, stored: str) -> None:
    mark = "?" if database.is_sqlite() else "%s"
    with database.transaction():
        db.execute_sql(f"UPDATE jobs SET metadata = {mark} WHERE name = 'nothing'", (stored,))  # noqa: S608
    assert found("team:billing")[0] == "text"
    assert Job.select().where(Job.name == "nothing").exists()
