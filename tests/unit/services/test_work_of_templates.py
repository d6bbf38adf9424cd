"""Jinja2 is not asked to read what would take it long: the words within braces are counted before it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
import pytest

from services.email import template_syntax, templates
from services.email.templates import LONGEST_IN_BRACES
from services.task_types import filling, send_email

DOCUMENTS = Path(__file__).parents[3] / "docs"
LONG = {
    "list": "{{[" + "a," * 49_000 + "]}}",
    "adjacent texts": "{{" + '"" ' * 30_000 + "}}",
    "condition": "{% if a" + " or a" * 19_000 + " %}{% endif %}",
    "members": "{{a" + ".a" * 49_000 + "}}",
}
MANY = {
    "lists": "{{[" + "a," * 240 + "]}}",
    "adjacent texts": "{{" + '"" ' * 160 + "}}",
    "adjacent texts without spaces": "{{" + '""' * 240 + "}}",
    "parentheses": "{{" + "(" * 60 + "a" + ")" * 60 + "}}",
    "members": "{{a" + ".a" * 100 + "}}",
}


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    def parse(*_: object) -> None:
        raise AssertionError("Jinja2 was asked to parse")

    monkeypatch.setattr(jinja2.Environment, "parse", parse)


def refused(check: Callable[[Any], object], given: Any) -> str:
    with pytest.raises(ValueError, match=r"braces|together") as fault:
        check(given)
    return str(fault.value)


def as_e_mails(text: str) -> object:
    emails = [{"recipient": f"a{at}@example.com", "subject": "s", "body": f"{at} {text}"} for at in range(10)]
    return send_email.SendEmail.model_validate({"emails": emails})


@pytest.mark.usefixtures("no_parser")
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_long_braces_are_refused_before_they_are_read(text: str) -> None:
    told = refused(templates.check, text)
    assert f"{text[:20]!r}... of {len(text.partition('{% endif')[0])} characters" in told
    assert f"one pair of braces may hold {LONGEST_IN_BRACES}; give what stands in it as a value of its own" in told


@pytest.mark.usefixtures("no_parser")
@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_so_are_long_braces_of_a_job(text: str) -> None:
    fault = "values to fill in together, more than 5000|one pair of braces"
    assert re.search(fault, refused(as_e_mails, text))
    if not text.startswith("{%"):  # which is text in a request
        assert re.search(fault, refused(filling.check, f"Dear {text}"))


@pytest.mark.usefixtures("no_parser")
@pytest.mark.parametrize("piece", MANY.values(), ids=MANY)
def test_many_words_in_many_short_braces_are_counted_together_before_they_are_read(piece: str) -> None:
    assert len(piece) <= LONGEST_IN_BRACES
    assert "values to fill in together, more than 5000" in refused(as_e_mails, piece * 20)
    texts = [f"{at} {piece * 20}" for at in range(10)]
    assert "One of more than 4 words and signs counts as several" in refused(filling.check, texts)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("{{a}} {{ order.name }} {{}}", 3),
        ("{% if a == 1 %}{% endif %}", 3),
        ("{{ name | default('a text of many words') }}", 2),
        ("{{" + "a " * 9 + "}}", 3),
        ("{{ {% {{", 3),
        ("a b c d e f g h", 0),
    ],
)
def test_a_value_of_many_words_and_signs_counts_as_several(text: str, values: int) -> None:
    assert template_syntax.values_in(text) == values


def test_the_templates_of_the_documents_are_taken() -> None:
    described = (DOCUMENTS / "task_types.md").read_text()
    section = described.partition("## Templates")[2].partition("## Commands")[0]
    found = [text for text in re.findall(r"`([^`]+)`", section) if re.search(r"\{\{ ?[\w']|\{% if", text)]
    assert len(found) >= 8
    for text in found:
        templates.check(text)
        assert template_syntax.values_in(text) <= 5, text


def test_as_many_honest_values_as_a_job_may_have_are_taken() -> None:
    filling.check([f"{at} " + "{{data.name}} {{a}} " * 50 for at in range(40)])
