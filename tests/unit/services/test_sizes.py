"""Limits in bytes count the bytes of UTF-8 that are sent, or handed to a program; never characters or escapes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from core.errors import PermanentFailure
from services.task_types import filling
from services.task_types.run_command import LONGEST_WORD, RunCommand

THREE_BYTES = "\u6f22"


@pytest.mark.parametrize("member", ["argv", "env"])
def test_the_words_of_a_command(member: str) -> None:
    def given(word: str) -> RunCommand:
        return RunCommand(argv=[word] if member == "argv" else ["true"], env={"A": word})

    fits = THREE_BYTES * (LONGEST_WORD // 3)
    assert given(fits)
    with pytest.raises(ValidationError, match=r"has 10000\d bytes"):
        given(fits + THREE_BYTES)


def test_the_body_of_a_request() -> None:
    fits = THREE_BYTES * ((filling.LONGEST_BYTES - 8) // 3)
    content = filling.content({"a": "{{data.x}}"}, {"data": {"x": fits}})
    assert content is not None
    assert content.data.decode() == f'{{"a":"{fits}"}}'
    with pytest.raises(PermanentFailure, match="grows beyond"):
        filling.content({"a": "{{data.x}}"}, {"data": {"x": fits + THREE_BYTES}})


def test_the_texts_of_a_request_in_other_scripts() -> None:
    template = "{{data.x}} " + THREE_BYTES
    with pytest.raises(PermanentFailure, match="grows beyond"):
        filling.content(template, {"data": {"x": THREE_BYTES * (filling.LONGEST_BYTES // 3)}})
