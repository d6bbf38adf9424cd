"""Reads a command line as words the way a POSIX shell quotes, in linear time, which `shlex.split` does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Nothing is given back (`++`, `*+`), or an open quote could be tried in very many ways.
_PIECE = re.compile(
    r"""(?P<blanks>[ \t\r\n]++)|(?P<plain>[^ \t\r\n'"\\]++)|\\(?P<escaped>.)|'(?P<single>[^']*+)'"""
    r'''|"(?P<double>(?:[^"\\]++|\\.)*+)"''',
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')  # within double quotes, a backslash before anything else is a backslash


def split(text: str) -> list[str]:
    """Returns the words of a text, as `shlex.split` does. Raises `ValueError` for an open quote or a last backslash."""
    words: list[str] = []
    word: list[str] = []
    for piece in _pieces(text):
        if piece is not None:
            word.append(piece)
        elif word:
            words.append("".join(word))
            word.clear()
    return [*words, "".join(word)] if word else words


def _pieces(text: str) -> Iterator[str | None]:
    """Yields the pieces of words, which may be empty, and None for what separates words."""
    end = 0
    while end < len(text):
        found = _PIECE.match(text, end)
        if found is None:
            raise ValueError("No escaped character" if text[end] == "\\" else "No closing quotation")
        end = found.end()
        kind = found.lastgroup or ""
        yield None if kind == "blanks" else _ESCAPED.sub(r"\1", found[kind]) if kind == "double" else found[kind]
