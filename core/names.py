"""Names that people give: which characters they may contain, and which spellings are the same name.

Names in any script are stored as they were given. Names that differ only in case, in how their characters are composed,
in width, or in invisible characters, are the same name: they have the same folded form, which is stored beside them
(`lower()` of SQLite only handles ASCII).
"""

from __future__ import annotations

import functools
import re
import unicodedata

# Precedes the spelling of a name that became equal to another when this comparison was introduced; no name contains it.
_OLD_SPELLING = "\x1f"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # text around them would be shown in another order
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks that show nothing
_VARIATIONS = re.compile(r"[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


# More characters than any name has. Sorting combining marks takes time quadratic in the length of their sequence.
_FOLDED_TOGETHER = 1_024


def folded(text: str) -> str:
    """Returns the folded form of a text: the same for all its spellings (nearly Unicode's NFKC_Casefold).

    A text that is longer than any name is folded piece by piece.
    """
    if text.isascii():
        return text.lower()
    if len(text) > _FOLDED_TOGETHER:
        pieces = range(0, len(text), _FOLDED_TOGETHER)
        return "".join(folded(text[begin : begin + _FOLDED_TOGETHER]) for begin in pieces)
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    shown = "".join(one for one in once if not _is_unseen(one))
    return unicodedata.normalize("NFKC", shown.casefold())


def keys(name: str) -> tuple[str, str]:
    """Returns the stored keys a name may have: the one shared by its spellings, and the one of only this spelling."""
    key = folded(name)
    return key, old_key(key, name)


def old_key(key: str, name: str) -> str:
    """Returns the key of a name that equals another, if both are older than the comparison by keys."""
    return f"{key}{_OLD_SPELLING}{name}"


def searched(*texts: str | None) -> str:
    """Returns the text that a search looks through: these texts, folded, one per line."""
    return "\n".join(folded(text or "") for text in texts)


@functools.lru_cache(maxsize=1024)
def fault_of_name(name: str) -> str | None:
    """Returns what is wrong with a name, or None; every script and mark is accepted.

    Cached, since applications name the same apps again and again.
    """
    if _CONTROLS.search(name):
        return "holds a control character or a line break"
    if name != name.strip():
        return "begins or ends with a space"
    if all(unicodedata.category(one)[0] == "Z" or _is_unseen(one) for one in name):
        return "shows nothing"
    return None


def turns_text(name: str) -> bool:
    """Whether a name holds characters that reorder the text around them, so that it can look like another name."""
    return _TURNING.search(name) is not None


def without_controls(name: str) -> str:
    """Returns a name without control characters and characters that reorder the text around them."""
    return _TURNING.sub("", _CONTROLS.sub("", name))


def _is_unseen(character: str) -> bool:
    unseen = unicodedata.category(character) == "Cf" or character in _FILLERS
    return unseen or _VARIATIONS.match(character) is not None
