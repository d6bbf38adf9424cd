"""Names that people give: which characters they may hold, and which of them are the same name.

Whatever script they are in, names are kept as they were given. Two that differ only in case, in how their characters
are composed, in their width, or in invisible characters, are one name: they have one folded form, which is
stored beside them (`lower()` of SQLite knows ASCII alone).
"""

from __future__ import annotations

import functools
import re
import unicodedata

# Before the spelling of a name that became another's when names were first compared so; no name holds it.
_OLD_SPELLING = "\x1f"

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")  # text around them would be shown in another order
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")  # letters and marks that show nothing
_VARIATIONS = re.compile(r"[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def folded(text: str) -> str:
    """Returns the folded form of a text: the same for all its spellings (nearly Unicode's NFKC_Casefold)."""
    if text.isascii():
        return text.lower()
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
    shown = "".join(one for one in once if not _is_unseen(one))
    return unicodedata.normalize("NFKC", shown.casefold())


def keys(name: str) -> tuple[str, str]:
    """Returns the stored keys a name may have: the one shared by its spellings, and the one of this spelling alone."""
    key = folded(name)
    return key, old_key(key, name)


def old_key(key: str, name: str) -> str:
    """Returns the key of a name that equals another's, both being older than the comparison by keys."""
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
