"""COMMANDS_ALLOWED: a bare program takes any arguments, one with a template those that the template has."""

from __future__ import annotations

import pytest

from core import permitted_commands

ALLOWED = "echo, backup --to {}, /opt/send --as={} -- {...}, backup --list, status {}:{}x"


def permits(*words: str) -> bool:
    return any(one.permits(words) for one in permitted_commands.listed(ALLOWED))


@pytest.mark.parametrize(
    "words",
    [
        ("echo",),
        ("echo", "-n", "--anything"),
        ("backup", "--to", "/srv/a b"),
        ("backup", "--list"),
        ("/opt/send", "--as=-x", "--"),
        ("/opt/send", "--as=", "--", "a", "b"),
    ],
)
def test_what_the_template_has_is_permitted(words: tuple[str, ...]) -> None:
    assert permits(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("find",),
        ("backup",),
        ("backup", "--to"),
        ("backup", "--to", "--exec=sh"),
        ("backup", "--to", "-x"),
        ("backup", "--to", ""),
        ("backup", "--to", "a", "b"),
        ("backup", "--To", "a"),
        ("backup", "a", "--to"),
        ("/opt/send", "--as=a", "--", "a", "-b"),
        ("/opt/send", "--as=a", "--", ""),
        ("/opt/send", "--as=a"),
        ("/opt/send", "-as=a", "--"),
        ("send", "--as=a", "--"),
        ("status", ":"),
        ("status", "-a:{}x"),
    ],
)
def test_no_word_of_a_caller_begins_an_option_or_comes_besides(words: tuple[str, ...]) -> None:
    assert not permits(*words)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{} a", "names no program"),
        ("./run", "does not begin with /"),
        ("run 'open", "cannot be read as words"),
        ("run {...} a", "as its last word alone"),
        ("run a{...}", "as its last word alone"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        permitted_commands.listed(text)


def test_bare_programs_that_run_others_are_known() -> None:
    allowed = permitted_commands.listed("echo, find, /usr/bin/tar, git status, ssh {}, backup")
    assert permitted_commands.that_run_others(allowed) == ["/usr/bin/tar", "find"]
