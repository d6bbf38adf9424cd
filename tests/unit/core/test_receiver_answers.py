"""What statuses, `Retry-After` and polls' answers mean."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import receiver_answers
from core.errors import PermanentFailure, TransientFailure

NOW = datetime(2026, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    assert receiver_answers.failure_of(status, "5", NOW) is None


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599, 600, 999])
def test_what_may_pass_is_tried_again(status: int) -> None:
    failure = receiver_answers.failure_of(status, None, NOW)
    assert isinstance(failure, TransientFailure)
    assert failure.status_code == status
    assert str(status) in failure.message


@pytest.mark.parametrize("status", [100, 101, 199, 300, 301, 304, 308, 400, 401, 404, 409, 410, 422, 499])
def test_what_cannot_pass_is_not(status: int) -> None:
    failure = receiver_answers.failure_of(status, None, NOW)
    assert isinstance(failure, PermanentFailure)
    assert failure.status_code == status


def test_a_message_says_what_was_answered_and_what_follows() -> None:
    assert str(receiver_answers.failure_of(503, None, NOW)) == (
        "The receiver answered 503 Service Unavailable; it is tried again while retries are left."
    )
    assert "final address" in str(receiver_answers.failure_of(302, None, NOW))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("-3", 0),
        ("86401", 86_400),
        ("9" * 5_000, 86_400),
        ("Fri, 06 Nov 2026 08:50:07 GMT", 30),
        ("Friday, 06-Nov-26 08:50:07 GMT", 30),
        ("Fri Nov  6 08:50:07 2026", 30),
        ("Fri, 06 Nov 2026 08:00:00 GMT", 0),
        ("Fri, 06 Nov 2099 08:00:00 GMT", 86_400),
        ("Fri, 06 Nov 99999 08:00:00 GMT", None),
        ("", None),
        (None, None),
        ("soon", None),
        ("5, 10", None),
        ("NaN", None),
        ("1e3", None),
        ("\u0663", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    failure = receiver_answers.failure_of(503, header, NOW)
    assert failure is not None
    assert failure.retry_after_seconds == seconds


@given(st.text())
def test_no_retry_after_is_too_odd(header: str) -> None:
    failure = receiver_answers.failure_of(429, header, NOW)
    assert failure is not None
    assert failure.retry_after_seconds is None or 0 <= failure.retry_after_seconds <= 86_400


def test_a_poll_is_read_whole() -> None:
    body = b'{"polling_state": {"n": 1}, "done": true, "next_in_seconds": 2, "progress": 0.5, "message": "ok"}'
    assert receiver_answers.read_poll(body, truncated=False) == receiver_answers.PollAnswer(
        {"n": 1}, True, 2.0, 0.5, "ok"
    )


def test_a_missing_state_keeps_the_old_one() -> None:
    assert receiver_answers.read_poll(b'{"other": [1]}', truncated=False) == receiver_answers.PollAnswer(
        polling_state=None,
        done=False,
        next_in_seconds=None,
        progress=None,
        message=None,
    )


@pytest.mark.parametrize("done", ["1", '"true"', "[true]", '"yes"', "null", "1.0", "false", "{}"])
def test_only_json_true_ends_a_job(done: str) -> None:
    assert not receiver_answers.read_poll(f'{{"done": {done}}}'.encode(), truncated=False).done


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"done"',
        b"\xff\xfe",
        b'{"polling_state": null}',
        b'{"polling_state": []}',
        b'{"polling_state": "x"}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"1" * 10_000 + b"}",
        b'{"a": "\\ud800"}',
        b'{"a": "\\u0000"}',
        b'{"a\\u0000": 1}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1} {"b": 2}',
        b"[" * 1_000_000,
        b'{"a":' * 200_000,
        b'{"a": ' + b"[" * 33 + b"1" + b"]" * 33 + b"}",
        b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_an_answer_that_cannot_be_used_is_a_failed_poll(body: bytes) -> None:
    with pytest.raises(TransientFailure, match="answer to the poll is"):
        receiver_answers.read_poll(body, truncated=False)


def test_a_cut_answer_is_a_failed_poll() -> None:
    with pytest.raises(TransientFailure, match="longer"):
        receiver_answers.read_poll(b"{}", truncated=True)


def test_thirty_two_levels_are_taken() -> None:
    body = b'{"polling_state": {"a": ' + b"[" * 30 + b"1" + b"]" * 30 + b"}}"
    assert receiver_answers.read_poll(body, truncated=False).polling_state is not None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("1.5", 1.5),
        ("-1", None),
        ("true", None),
        ('"5"', None),
        ("null", None),
        ("1e300", 31_536_000),
    ],
)
def test_next_in_seconds(value: str, seconds: float | None) -> None:
    assert _with("next_in_seconds", value).next_in_seconds == seconds


def test_a_number_too_large_for_a_float_is_ignored() -> None:
    assert _with("next_in_seconds", "9" * 400).next_in_seconds is None


@pytest.mark.parametrize(
    ("value", "progress"),
    [
        ("0", 0.0),
        ("1", 1.0),
        ("0.25", 0.25),
        ("1.01", None),
        ("-0.1", None),
        ("true", None),
        ('"half"', None),
        ('{"done": 3, "total": 10, "unit": "rows"}', {"done": 3, "total": 10}),
        ('{"done": 0, "total": 0}', {"done": 0, "total": 0}),
        ('{"done": 11, "total": 10}', None),
        ('{"done": -1, "total": 10}', None),
        ('{"done": 1}', None),
        ("[1, 2]", None),
    ],
)
def test_progress(value: str, progress: Any) -> None:
    assert _with("progress", value).progress == progress


def test_a_message_is_capped_and_anything_else_ignored() -> None:
    assert _with("message", '"' + "m" * 2_000 + '"').message == "m" * 1_000
    assert _with("message", "5").message is None


def _with(member: str, value: str) -> receiver_answers.PollAnswer:
    return receiver_answers.read_poll(f'{{"{member}": {value}}}'.encode(), truncated=False)
