"""Results as bars in an SVG picture that reads on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from bench.figures import OURS, Result, Row
from bench.table import number

_WIDTH, _LABELS, _FIGURES = 800, 310, 150
_LINE, _TITLE, _GAP = 22, 28, 18
_OURS, _OTHERS = "#0d7a6f", "#9aa5b1"
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600}"
    "@media(prefers-color-scheme:dark){text{fill:#d7dde4}}"
)


def of(results: Sequence[Result]) -> str:
    """Returns the picture: for each result its title and a bar for each contestant."""
    height = sum(_height(result) for result in results)
    body = "\n".join(_drawn(results))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">\n'
        f"<style>{_STYLE}</style>\n{body}\n</svg>\n"
    )


def _drawn(results: Sequence[Result]) -> Iterator[str]:
    top = 0
    for result in results:
        yield from _result(result, top)
        top += _height(result)


def _height(result: Result) -> int:
    return _TITLE + _LINE * len(result.rows) + _GAP


def _result(result: Result, top: int) -> Iterator[str]:
    main = result.figures[0]
    longest = max((row.median(main) or 0 for row in result.rows), default=0)
    yield f'<text class="title" x="0" y="{top + 18}">{escape(result.title)}</text>'
    for place, row in enumerate(result.rows):
        yield _bar(result, row, top + _TITLE + _LINE * place, longest)


def _bar(result: Result, row: Row, top: int, longest: float) -> str:
    value = row.median(result.figures[0]) or 0.0
    width = (_WIDTH - _LABELS - _FIGURES) * value / longest if longest else 0
    ratio = result.ratio(row)
    figure = number(value) if ratio is None or row is result.baseline else f"{number(value)}  (x {number(ratio)})"
    colour = _OURS if row.name.startswith(OURS) else _OTHERS
    return (
        f'<text x="0" y="{top + 14}">{escape(row.name)}</text>'
        f'<rect x="{_LABELS}" y="{top + 3}" width="{max(width, 1):.1f}" height="{_LINE - 8}" rx="2" fill="{colour}"/>'
        f'<text x="{_LABELS + max(width, 1) + 8:.1f}" y="{top + 14}">{figure}</text>'
    )
