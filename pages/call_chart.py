"""Where a call's time went, drawn as one bar of SVG: a stretch for each phase, which says how long it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from pages import formats, words

_WIDE, _HEIGHT, _LEAST = 600, 12, 2.0
_KINDS = {
    "look_up": "held",
    "connect": "cancelled",
    "tls": "backoff",
    "send": "running",
    "wait": "waiting",
    "receive": "completed",
}


def phases(found: Sequence[Mapping[str, Any]]) -> Markup:
    """Returns the phases of a call as a bar."""
    whole = sum(one["seconds"] for one in found)
    if whole <= 0:
        return Markup("")
    left, parts = 0.0, []
    for one in found:
        width = max(_LEAST, (_WIDE - _LEAST * len(found)) * one["seconds"] / whole)
        parts.append(_part(one, left, width))
        left += width
    return Markup('<svg class="chart phases" viewBox="0 0 {:.0f} {}" role="img" aria-label="{}">{}</svg>').format(
        left, _HEIGHT, ", ".join(map(_told, found)), Markup("").join(parts)
    )


def _part(one: Mapping[str, Any], left: float, width: float) -> Markup:
    return Markup('<rect class="c-{}" x="{:.1f}" y="0" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
        _KINDS.get(one["name"], "cancelled"), left, width, _HEIGHT, _told(one)
    )


def _told(one: Mapping[str, Any]) -> str:
    return f"{words.PHASES.get(one['name'], one['name'])} {formats.span(one['seconds'])}"
