"""Whether a database was taken back: by its mark, by the last mark that was seen of it, and by its place."""

from __future__ import annotations

import pytest

from core.restoring import MarkedDatabase, next_mark, place_in, was_taken_back


@pytest.mark.parametrize(
    ("mark", "counted_in", "seen", "expected"),
    [
        (7, "here", None, False),
        (7, "here", 7, False),
        (7, "here", 3, False),
        (7, "here", 8, True),
        (7, "elsewhere", 7, True),
        (7, "elsewhere", None, True),
        (0, None, None, False),
        (0, None, 5, True),
    ],
    ids=[
        "a host that never saw it",
        "a host that saw its last mark",
        "a host that was away",
        "behind what was seen",
        "in another place",
        "in another place, seen by nobody",
        "new",
        "taken back to before the first mark",
    ],
)
def test_a_database_was_taken_back_if_it_is_behind_or_elsewhere(
    mark: int, counted_in: str | None, seen: int | None, expected: bool
) -> None:
    assert was_taken_back(MarkedDatabase(mark, counted_in, "here"), seen) is expected


@pytest.mark.parametrize(
    ("counted_in", "place", "expected"),
    [
        (place_in(1, 5), place_in(None, 5), False),
        (place_in(None, 5), place_in(1, 5), False),
        (place_in(None, 5), place_in(None, 5), False),
        (place_in(None, 5), place_in(None, 6), True),
        (place_in(1, 5), place_in(None, 6), True),
        (place_in(1, 5), place_in(2, 5), True),
        ("file 1", place_in(None, 5), True),
    ],
)
def test_a_server_that_a_role_may_not_ask_for_is_no_other_one(counted_in: str, place: str, expected: bool) -> None:
    assert was_taken_back(MarkedDatabase(7, counted_in, place), None) is expected


@pytest.mark.parametrize(("seen", "expected"), [(None, 8), (3, 8), (20, 21)])
def test_the_next_mark_is_beyond_any_that_is_known(seen: int | None, expected: int) -> None:
    assert next_mark(MarkedDatabase(7, "here", "here"), seen) == expected
