"""Encode headers of e-mail as every reader decodes them: a text that is not ASCII is encoded as a whole (RFC 2047).

Python 3.11 encodes word by word and leaves a space between two encoded words, which readers drop.
"""

from __future__ import annotations

import re
import textwrap
from email.charset import Charset
from email.header import Header
from email.utils import parseaddr, quote

LINE_LENGTH = 76

_PLAIN = re.compile(r"[!-~]{1,60}(?: [!-~]{1,60})*")  # folds at its spaces; there is nothing else to lose
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_UTF_8 = Charset("utf-8")


def of_text(name: str, text: str) -> str:
    """Returns the header for a text of one line, such as a subject."""
    if _PLAIN.fullmatch(text) and "=?" not in text:
        lines = textwrap.wrap(f"{name}: {text}", LINE_LENGTH, break_long_words=False, break_on_hyphens=False)
        return "\r\n ".join(lines)
    return f"{name}: {_encoded(name, text)}"


def of_mailbox(name: str, mailbox: str) -> str:
    """Returns the header for an address that may carry a name: `Carillon <carillon@example.com>`."""
    shown, address = parseaddr(mailbox)
    return f"{name}: {_phrase(name, shown)}\r\n <{address}>" if shown else f"{name}: {address}"


def _phrase(name: str, shown: str) -> str:
    """A name before an address: as it is, quoted, or encoded."""
    if "=?" in shown or not shown.isascii() or len(shown) > LINE_LENGTH - len(name) - 4:
        return _encoded(name, shown)
    return shown if _ATOMS.fullmatch(shown) else f'"{quote(shown)}"'


def _encoded(name: str, text: str) -> str:
    """Returns encoded words, spaces included; each on a line of its own and of whole characters."""
    return Header(text, _UTF_8, header_name=name, maxlinelen=LINE_LENGTH).encode(linesep="\r\n")
