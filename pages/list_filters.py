"""The filter of a list as typed into its form: instants on the reader's clocks, what is wrong beside its field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core import instants
from core.errors import InvalidInput
from pages import instants_typed
from pages.page_request import Asked

CURSOR = "cursor"
_NO_PAGE = "The address leads to a page of another list, or of this one with another filter, or is cut off."
_SPANS = tuple(f"{what}_{end}" for what in ("due", "scheduled", "created", "finished") for end in ("from", "before"))
INSTANTS = (*_SPANS, "since", "before")


@dataclass(frozen=True)
class TypedFilter:
    """What is given, as programs write it, which addresses carry; and what each field of the form shows."""

    given: Mapping[str, str]
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a filter: beside which of its fields, and what is about none of them."""

    beside: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


def read(who: Asked, names: tuple[str, ...]) -> TypedFilter:
    """Returns what the address gives: all parameters but what was done, and the fields of these names."""
    given = {name: value for name, value in who.params.items() if value and name != "done"}
    fields = {name: given.get(name, "") for name in names}
    for name in set(INSTANTS) & given.keys():
        given[name] = instants_typed.near(given[name], who.zone, who.now)
        fields[name] = _as_typed(given[name], who)
    return TypedFilter(given, fields)


def wrong(refusal: InvalidInput, names: tuple[str, ...]) -> Wrong:
    """Returns where on the form of a list a refusal stands."""
    beside = {one.field: one.message for one in refusal.fields if one.field in names}
    others = [_NO_PAGE if one.field == CURSOR else f"{one.field}: {one.message}" for one in refusal.fields]
    about = [one.field for one in refusal.fields]
    return Wrong(beside, tuple(text for text, name in zip(others, about, strict=True) if name not in names))


def _as_typed(text: str, who: Asked) -> str:
    """An instant as one would type it; what is none, as it was typed."""
    try:
        return instants_typed.shown(instants.read(text, who.zone), who.zone)
    except (ValueError, OverflowError):
        return text
