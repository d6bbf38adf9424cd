"""Cursors as text: what was given out is understood, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cursors import Cursor, Snapshot

NUMBERS = st.integers(1, 2**63 - 1)
SNAPSHOTS = st.builds(Snapshot, NUMBERS, st.lists(NUMBERS, max_size=5).map(tuple))
INSTANTS = st.integers(0, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
CURSORS = st.builds(Cursor, st.text("0123456789abcdef", min_size=1, max_size=12), INSTANTS, SNAPSHOTS)


@given(CURSORS)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert Cursor.parsed(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "abc-1-1:2",
        "abc-1-1:2:,",
        "abc-1-1:2:3,,4",
        "abc-1-1:99999999999999999999:",
        "abc-1-1:2:3\n",
        "ABC-1-1:2:",
    ],
)
def test_other_text_is_no_cursor(text: str) -> None:
    assert Cursor.parsed(text) is None


def test_a_long_text_that_is_no_cursor_is_refused_at_once() -> None:
    assert Cursor.parsed("abc-1-1:2:" + "1" * 100_000 + "x") is None


def test_a_snapshot_is_read_from_its_text_in_postgresql() -> None:
    assert Snapshot.parsed("10:20:10,14,15") == Snapshot(20, (10, 14, 15))
    assert Snapshot.parsed("20:20:") == Snapshot(20)
