"""Where a call's time went, drawn as one bar of SVG: a stretch for each phase, which says how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pages import call_words, formats

_WIDE, _HEIGHT, _LEAST = 600, 12, 2.0
_KINDS = {
    "look_up": "held",
    "connect": "cancelled",
    "tls": "backoff",
    "send": "running",
    "wait": "waiting",
    "receive": "completed",
}


def phases(found: Sequence[Mapping[str, Any]], is_cut_off: bool = False) -> Markup:
    """Returns the phases of a call as a bar; of a call without a complete answer, the last is cut off."""
    told = [_in_words(one, is_cut_off=is_cut_off and one is found[-1]) for one in found]
    whole = sum(one["seconds"] for one in found)
    if whole <= 0:
        return Markup("")
    left, parts = 0.0, []
    for one, words_of_it in zip(found, told, strict=True):
        width = max(_LEAST, (_WIDE - _LEAST * len(found)) * one["seconds"] / whole)
        parts.append(_part(one, words_of_it, left, width))
        left += width
    return Markup('<svg class="chart phases" viewBox="0 0 {:.0f} {}" role="img" aria-label="{}">{}</svg>').format(
        left, _HEIGHT, ", ".join(told), Markup("").join(parts)
    )


def _part(one: Mapping[str, Any], told: str, left: float, width: float) -> Markup:
    return Markup('<rect class="c-{}" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
        _KINDS.get(one["name"], "cancelled"), left, width, _HEIGHT, told
    )


def _in_words(one: Mapping[str, Any], *, is_cut_off: bool) -> str:
    return f"{call_words.phase(one['name'], is_cut_off=is_cut_off)} {formats.span(one['seconds'])}"
