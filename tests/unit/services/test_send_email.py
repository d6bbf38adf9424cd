"""The e-mails that a run's parameters mean: what all get is made once, and what they are together is bounded."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from core.errors import PermanentFailure
from core.letters import Letter
from services.task_types import send_email
from tests.factories import given_system

RUN = UUID("0199f000-0000-7000-8000-000000000001")
LONG = "x" * 100_000
MANY = [f"a{number}@example.com" for number in range(100)]


def letters(data: dict[str, Any]) -> tuple[Letter, ...]:
    return send_email.batch(given_system().settings, RUN, send_email.SendEmail.model_validate(data), ()).letters


def test_a_text_that_all_get_is_filled_once_and_kept_once() -> None:
    made = letters({"recipients": MANY, "subject": "s", "body": "{{x}}{{x}}", "context": {"x": LONG}})
    assert [letter.recipient for letter in made] == MANY
    assert {id(letter.text) for letter in made} == {id(made[0].text)}


def test_what_the_emails_of_a_run_are_together_is_bounded() -> None:
    emails = [{"recipient": one, "subject": "s", "body": "{{x}}{{x}}"} for one in MANY]
    assert len(letters({"emails": emails[:49], "context": {"x": LONG}})) == 49
    with pytest.raises(PermanentFailure, match="more than 10000000 characters"):
        letters({"emails": emails, "context": {"x": LONG}})


def test_a_subject_that_grows_is_cut_and_what_is_sent_of_it_is_judged() -> None:
    job = {"recipient": MANY[0], "subject": "{{x}}{{x}}", "body": "b"}
    assert letters({**job, "context": {"x": "=?xy" * 120_000}})[0].subject == "=?xy" * 125
    with pytest.raises(PermanentFailure, match="encoded word"):
        letters({**job, "context": {"x": "=?utf-8?q?a?="}})
