"""The names of the archive's parts say all by which a reader chooses them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from core import archives
from core.archives import Part, Place

EVENING = datetime(2026, 11, 28, 23, 59, 59, 999_999, tzinfo=UTC)
EARLY, LATE = UUID("0193a5b2-c3d4-7000-8000-000000000001"), UUID("0193a5b2-ffff-7000-8000-000000000002")


def part(*runs: tuple[datetime, UUID], app_name: str = "shop", top: str = "archive") -> Part:
    return Part.of(top, app_name, runs or ((EVENING, EARLY), (EVENING - timedelta(hours=1), LATE)))


def test_a_part_is_named_by_its_day_its_app_its_ends_and_its_ids() -> None:
    name = part().name
    assert name.startswith("archive/2026/11/28/shop/225959999999-235959999999-2-0193a5b2c3d4-0193a5b2ffff-")
    assert name.endswith(".jsonl.gz")
    assert Part.named(name) == part()


def test_an_instant_belongs_to_its_day_in_utc() -> None:
    at = datetime(2026, 11, 29, 0, 30, tzinfo=timezone(timedelta(hours=1)))
    assert part((at, EARLY)).day == date(2026, 11, 28)
    assert Place.of(at, EARLY).ended == "233000000000"


def test_the_same_runs_have_one_name_and_others_another() -> None:
    assert part((EVENING, EARLY), (EVENING, LATE)).name == part((EVENING, LATE), (EVENING, EARLY)).name
    between = UUID("0193a5b2-d000-7000-8000-000000000003")
    other = UUID("0193a5b2-d000-7000-8000-000000000004")
    first, second = (part((EVENING, EARLY), (EVENING, one), (EVENING, LATE)) for one in (between, other))
    assert first.name != second.name


HOUR = timedelta(hours=1)


def test_parts_may_share_a_run_if_neither_their_ends_nor_their_ids_keep_them_apart() -> None:
    first = part((EVENING - 3 * HOUR, EARLY), (EVENING - HOUR, EARLY))
    overlaps = part((EVENING - 2 * HOUR, EARLY), (EVENING, LATE))
    by_ends = part((EVENING - 5 * HOUR, EARLY), (EVENING - 4 * HOUR, EARLY))
    by_ids = part((EVENING - 2 * HOUR, LATE), (EVENING - 2 * HOUR, LATE))
    assert archives.that_may_share([first, overlaps, by_ends]) == {first, overlaps}
    assert archives.that_may_share([by_ids, first, by_ends]) == set()


@pytest.mark.parametrize("app_name", ["my app", "日本", "../etc", "a" * 200])
def test_an_app_of_any_name_has_a_folder_of_its_own(app_name: str) -> None:
    found = part(app_name=app_name)
    assert Part.named(found.name) == found
    assert found.name.count("/") == part().name.count("/")
    assert found.name.startswith(archives.prefix("archive", found.day, app_name))


@pytest.mark.parametrize("top", ["a", "shop-eu/archive", "2026/11/28", "archive/2026/11/28/shop", "a.b/c_d"])
def test_parts_lie_below_the_top_that_the_archive_has(top: str) -> None:
    assert archives.is_top(top)
    found = part(top=top)
    assert found.name.startswith(f"{top}/2026/11/28/shop/")
    assert Part.named(found.name) == found


@pytest.mark.parametrize("top", ["", "/a", "a/", "a//b", "a/../b", ".a", "a b", "a\n", "ä", "a" * 201])
def test_what_is_no_folder_is_no_top(top: str) -> None:
    assert not archives.is_top(top)


@pytest.mark.parametrize(
    "name",
    [
        "shop/acc1/0193a5b2-c3d4-7000-8000-000000000001/archive.jsonl.gz",
        "archive/2026/0193a5b2-c3d4-7000-8000-000000000001/report.txt",
        part().name.replace("/11/28/", "/13/28/"),
        part().name.replace("225959999999", "22595"),
        f"{part().name}#1",
    ],
)
def test_what_else_is_stored_is_no_part(name: str) -> None:
    assert Part.named(name) is None


def test_a_part_may_hold_only_what_lies_between_its_ids() -> None:
    assert part().may_hold(EARLY)
    assert part().may_hold(UUID("0193a5b2-d000-7000-8000-000000000003"))
    assert not part().may_hold(UUID("0193a5b3-0000-7000-8000-000000000000"))


def test_a_run_ended_on_the_day_before_its_making_at_the_earliest() -> None:
    made = datetime(2026, 11, 28, 12, tzinfo=UTC)
    run_id = UUID(int=(int(made.timestamp() * 1_000) << 80) | (7 << 76) | (2 << 62))
    assert archives.earliest_day(run_id) == date(2026, 11, 27)
    assert archives.earliest_day(UUID("6f9619ff-8b86-4011-b42d-00c04fc964ff")) == date.min
    assert archives.earliest_day(UUID("ffffffff-ffff-7000-8000-000000000000")) == date.max
