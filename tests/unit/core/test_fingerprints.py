"""Fingerprints: equal for values that mean the same, and only for those."""

from __future__ import annotations

import pytest

from core import fingerprints


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": "1"}, False),
        ([1, 2], [2, 1], False),
        ({"a": "ü"}, {"a": "ü"}, True),
    ],
)
def test_a_fingerprint_tells_bodies_apart_by_what_they_mean(one: object, other: object, *, same: bool) -> None:
    assert (fingerprints.of(one) == fingerprints.of(other)) is same
