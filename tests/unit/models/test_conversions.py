"""How columns become members of a row."""

from __future__ import annotations

import pytest

from models.hot import conversions


def test_only_the_named_columns_are_converted_and_null_stays_none() -> None:
    of_columns = conversions.of_columns(("a", "b", "c"), {"b": str, "c": bool})
    assert conversions.converted((1, 2, None), of_columns) == [1, "2", None]


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="d"):
        conversions.of_columns(("a", "b"), {"d": str})
