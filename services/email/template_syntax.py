"""Separates a template's syntax, `{{...}}` and where allowed `{% if %}`, from its text, which is kept as it is.

Jinja2's own grammar takes more (`{#` begins a comment, line ends become line feeds), so it is only given the syntax
within the braces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import TOKEN_DATA, Lexer

_STRING = r"'(?:[^'\\]|\\.)*'" + r'|"(?:[^"\\]|\\.)*"'
WORDS_OF_A_VALUE = 4  # and signs, which cost as much: `{{order.name}}` has 3 of both within its braces
_WORD = re.compile(rf"{_STRING}|\w+|[^\w\s]", re.DOTALL)
_TRIMMING = frozenset({"{{-", "{{+", "-}}", "{%-", "{%+", "-%}", "+%}"})
_STRINGS = re.compile(rf"\\.|{_STRING}", re.DOTALL)  # an escaped quote begins none


def _atomic(pattern: str, name: str) -> str:
    """Returns a pattern that matches as this one does at first, and gives nothing back: else the work would explode.

    Python has `(?>...)` for it, which matches wrongly before 3.11.5 (github.com/python/cpython/issues/106052).
    """
    return rf"(?=(?P<{name}>{pattern}))(?P={name})"


def _enclosed(name: str, opening: str, more: str, closing: str) -> str:
    """Returns the pattern of an opening and the next closing; a closing within a string does not count.

    If the quotes never end, the closing counts all the same, and Jinja2 reports the mistake. An opening that another
    one follows before its closing is text.
    """
    other = rf"(?!{opening}|{closing})."
    escape = rf"\\(?!{opening})."  # else each opening after a backslash would be read on from, to the end of the text
    with_strings = _atomic(rf"(?:{_STRING}|{escape}|{other})*", f"{name}_with_strings")
    plain = _atomic(f"(?:{other})*", f"{name}_plain")
    return f"{opening}{more}(?:{with_strings}{closing}|{plain}{closing})"


_VALUE = _enclosed("value", r"\{\{", r"(?!\{)", r"\}\}")
_BLOCK = _enclosed("block", r"\{%", r"[-+]?\s*(?:if|elif|else|endif)\b", r"%\}")
_VALUES = re.compile(_VALUE, re.DOTALL)
_VALUES_AND_BLOCKS = re.compile(f"{_VALUE}|{_BLOCK}", re.DOTALL)


def has_syntax(text: str, *, blocks: bool) -> bool:
    """Whether a text has anything to fill in."""
    return _known(blocks=blocks).search(text) is not None


def pieces(text: str, *, blocks: bool) -> Iterator[str]:
    """Yields each piece of syntax of a text, braces included."""
    return (found[0] for found in _known(blocks=blocks).finditer(text))


def values_in(text: str) -> int:
    """Returns how many values there are at most to fill into a text; a long one counts as several.

    Jinja2's work grows with the words and signs within braces, and one pair of braces may hold many.
    """
    openings = text.count("{{") + text.count("{%")
    return openings + sum((_words_in(piece[2:-2]) - 1) // WORDS_OF_A_VALUE for piece in pieces(text, blocks=True))


def _words_in(syntax: str) -> int:
    return max(1, sum(1 for _ in _WORD.finditer(syntax)))


def _known(*, blocks: bool) -> re.Pattern[str]:
    return _VALUES_AND_BLOCKS if blocks else _VALUES


class NarrowLexer(Lexer):
    """Reads the syntax known here, and passes all other text on unchanged, the last line end included."""

    def __init__(self, environment: Environment, *, blocks: bool) -> None:
        super().__init__(environment)
        self._known = _known(blocks=blocks)

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        end, line = 0, 1
        for found in self._known.finditer(source):
            text = source[end : found.start()]
            yield line, TOKEN_DATA, text
            line += text.count("\n")
            yield from self._inside(found[0], line, name, filename, state)
            line += found[0].count("\n")
            end = found.end()
        yield line, TOKEN_DATA, source[end:]

    def _inside(
        self, syntax: str, line: int, name: str | None, filename: str | None, state: str | None
    ) -> Iterator[tuple[int, str, str]]:
        """Yields Jinja2's tokens of one piece of syntax; carriage returns in its strings are escaped, and so kept."""
        kept = _STRINGS.sub(lambda string: string[0].replace("\r", "\\r"), syntax)
        try:
            for at, token, value in super().tokeniter(kept, name, filename, state):
                _refuse_trimming(value, at)
                yield line + at - 1, token, value
        except TemplateSyntaxError as error:
            error.lineno += line - 1
            raise

    def _normalize_newlines(self, value: str) -> str:
        return value


def _refuse_trimming(token: str, line: int) -> None:
    if token in _TRIMMING:
        raise TemplateSyntaxError("control of white space (- or + at the braces) is not supported", line)
