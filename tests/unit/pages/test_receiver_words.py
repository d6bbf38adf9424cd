"""What a receiver says of its refusal."""

from __future__ import annotations

import pytest

from pages import receiver_words


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('{"error": "The amount is missing."}', "The amount is missing."),
        ('{"title": "Bad", "detail": "No such order."}', "No such order."),
        ('{"error": {"code": 7, "message": "No such order."}}', "No such order."),
        ("The amount is missing.\n", "The amount is missing."),
        ("<html>Bad gateway</html>", ""),
        ('{"ok": false}', ""),
        ("[1]", ""),
        ("", ""),
        (None, ""),
        ("x" * 400, f"{'x' * 300}…"),
    ],
)
def test_the_error_of_an_answer_is_found(answer: str | None, said: str) -> None:
    assert receiver_words.said(answer) == said


def test_an_answer_of_many_levels_says_nothing() -> None:
    assert not receiver_words.said('{"error":' * 10_000)
