"""Command lines are read as words the way a POSIX shell quotes, in linear time."""

from __future__ import annotations

import random
import shlex
import time
from collections.abc import Callable

import pytest

from core import command_words

LETTERS = " \t\r\n'\"\\a$;#\u00e9\u2003"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n", []),
        ("echo  hello\tyou\n", ["echo", "hello", "you"]),
        ("a'b c'\"d e\"f\\ g", ["ab cd ef g"]),
        ("a '' b", ["a", "", "b"]),
        (r'"\"\\\n"', ['"\\\\n']),
        (r"'\n'", [r"\n"]),
        ("a; $(b) # c * |", ["a;", "$(b)", "#", "c", "*", "|"]),
    ],
)
def test_words_are_what_quotes_say(text: str, words: list[str]) -> None:
    assert command_words.split(text) == words == shlex.split(text)


def test_any_text_is_read_as_by_the_standard_library() -> None:
    choice = random.Random(17)
    for _ in range(20_000):
        text = "".join(choice.choices(LETTERS, k=choice.randrange(12)))
        assert words_or_none(command_words.split, text) == words_or_none(shlex.split, text), text


@pytest.mark.parametrize(
    ("text", "says"), [("echo 'open", "No closing quotation"), ('echo "a\\"', "No closing"), ("echo \\", "No escaped")]
)
def test_what_is_left_open_is_named(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        command_words.split(text)


@pytest.mark.parametrize("piece", ["a", "\\a", "' ", '"\\', "'a'", '""', '"a\\', " "])
@pytest.mark.parametrize("opening", ["", '"', "'"])
def test_a_long_text_costs_as_much_as_its_letters(opening: str, piece: str) -> None:
    began = time.process_time()
    words_or_none(command_words.split, opening + piece * 1_000_000)
    assert time.process_time() - began < 20  # quadratic: hours


def words_or_none(split: Callable[[str], list[str]], text: str) -> list[str] | None:
    try:
        return split(text)
    except ValueError:
        return None
