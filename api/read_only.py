"""Members that cannot be written: an edit may contain them, but only unchanged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from api.validation import shown as in_words
from core.errors import FieldError, InvalidInput


def without_read_only(
    given: Mapping[str, Any], known: Mapping[str, Any], writable: Collection[str], noun: str = "job"
) -> dict[str, Any]:
    """Returns what is given, without read-only members. Raises `InvalidInput` naming each of these that differs."""
    read_only = known.keys() - set(writable)
    differ = [name for name in given if name in read_only and given[name] != known[name]]
    if differ:
        raise InvalidInput(
            *(
                FieldError(
                    name,
                    f"is {in_words(given[name])}, but that of the {noun} is {in_words(known[name])} and cannot be "
                    "changed; leave it out.",
                )
                for name in differ
            )
        )
    return {name: value for name, value in given.items() if name not in read_only}
