"""References to secrets: where they may stand, what they name, and how they are filled."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import secret_references as references


def test_names_are_found_in_all_texts_of_a_value() -> None:
    value = ["{{secret.A}}", {"x": ["a {{ secret.B_2 }} b", 7, None]}, "{{data.secret}} {{secretary.C}}"]
    assert references.names_in(value) == {"A", "B_2"}


@pytest.mark.parametrize(
    "text", ["{{ secret.A | upper }}", "{{secret['A']}}", "{{secret}}", "{{secret.A.b}}", "{{x or secret.A}}"]
)
def test_nothing_may_be_done_to_a_secret_but_to_send_it(text: str) -> None:
    assert "otherwise than as {{secret.NAME}}" in str(references.fault_of_text(text))


@pytest.mark.parametrize(
    "text", ["{{secret.A}}{{ secret.B }}", "{{data.secret}}", "{{data['secret']}}", "secret.A | x"]
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert references.fault_of_text(text) is None


@given(st.text(alphabet="{}x\n", max_size=30))
@example("{{{}}}")
@example("{{}{{}}")
def test_what_is_in_braces_ends_at_the_next_closing_ones(text: str) -> None:
    assert list(references._in_braces(text)) == re.findall(r"\{\{.*?\}\}", text, re.DOTALL)


@pytest.mark.parametrize("text", ["{{" * 500_000, "{{" * 500_000 + "secret", "{{ " * 300_000, "{{}" * 300_000])
def test_a_text_full_of_braces_is_looked_at_once(text: str) -> None:
    assert references.fault_of_text(text) is None
    assert references.names_in(text) == set()


@pytest.mark.parametrize("host", ["{{secret.HOST}}", "x.{{secret.A}}", "{{secret.USER}}@x", "x:{{secret.PORT}}"])
def test_no_secret_says_whom_to_call(host: str) -> None:
    assert "in its host" in str(references.fault_of_url(f"https://{host}/path"))


def test_a_secret_in_a_url_is_a_value_and_no_part_of_its_structure() -> None:
    filled = references.filled_url("https://x/{{secret.A}}?k={{secret.A}}", {"A": "a/b?c&d=#ü"})
    assert filled == "https://x/a%2Fb%3Fc%26d%3D%23%C3%BC?k=a%2Fb%3Fc%26d%3D%23%C3%BC"


def test_what_a_secret_holds_is_not_filled_again() -> None:
    assert references.filled("{{secret.A}}", {"A": "{{secret.B}}", "B": "b"}) == "{{secret.B}}"


@pytest.mark.parametrize("name", ["", "1A", "a-b", "a.b", "ü", "A" * 101, "A\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    assert references.fault_of_name(name) is not None
