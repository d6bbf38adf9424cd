"""The cells of calendars and of strips of occurrences, and of their legends: a colour, and a mark beside it.

Who cannot tell the colours apart tells what is bad by its mark, in the legend as in the chart.
"""

from __future__ import annotations

from markupsafe import Markup

SIZE = 11
_MARKS = {"failed": "M3 3l5 5m0-5l-5 5", "missed": "M3 5.500h5", "late": "M5.500 3v3h3"}


def mark(kind: str) -> Markup:
    """Returns what tells a cell of this kind by its shape, as drawn at the origin; nothing for most."""
    return Markup('<path class="cross" d="{}"></path>').format(_MARKS[kind]) if kind in _MARKS else Markup("")


def sample(kind: str) -> Markup:
    """Returns a cell of this kind for a legend."""
    return Markup(
        '<svg class="cell" viewBox="-.5 -.5 12 12" aria-hidden="true">'
        '<rect class="c-{}" width="{}" height="{}" rx="2"/>{}</svg>'
    ).format(kind, SIZE, SIZE, mark(kind))
