"""JSON of a successful answer: what the database cannot store is left out, and the answer stays successful."""

from __future__ import annotations

import pytest

from actors.calls import http, results


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 2}',
        b'"\\u0000"',
        b'"\\ud800"',
        b"[NaN]",
        b"[1e999]",
        b"[" * 40 + b"]" * 40,
        b"{",
        b"\xff",
    ],
)
def test_an_answer_that_is_no_json_to_store_has_no_json(body: bytes) -> None:
    answer = http.Answer(200, {"content-type": "application/json"}, body, truncated=False)
    assert results.json_of(answer) is None
