"""Results as a table of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.figures import Result, Row, spread_percent

_THREE_DIGITS = 100


def of(result: Result) -> str:
    """Returns the title and a line for each contestant: median, spread and ratio, then the other figures' medians."""
    return "\n".join([result.title, _aligned(_cells(result)), *_comparisons(result)])


def markdown(result: Result) -> str:
    """Returns the same cells as a table of Markdown, under the title."""
    head, *lines = [f"| {' | '.join(line)} |" for line in _cells(result)]
    rule = "|---|" + "--:|" * (head.count("|") - 2)
    return "\n".join([f"**{result.title}**", "", head, rule, *lines, ""])


def number(value: float | None) -> str:
    """Returns a figure with its significant digits."""
    if value is None:
        return ""
    if abs(value) >= _THREE_DIGITS:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _comparisons(result: Result) -> Iterator[str]:
    """Returns a line for each row of this tree, with its ratio to each other row."""
    by_row: dict[str, list[str]] = {}
    for row, other, ratio in result.comparisons():
        by_row.setdefault(row.name, []).append(f"{number(ratio)} of {other.name}")
    return (f"  {name} is {'; '.join(shares)}" for name, shares in by_row.items())


def _cells(result: Result) -> list[list[str]]:
    main, *others = result.figures
    shown = [figure for figure in others if any(row.values(figure) for row in result.rows)]
    lines = [_line(result, row, main, shown) for row in result.rows]
    return [["", main, "spread %", "ratio", *shown], *lines]


def _line(result: Result, row: Row, main: str, others: Sequence[str]) -> list[str]:
    spread = spread_percent(row.values(main))
    medians = [number(row.median(figure)) for figure in others]
    return [
        row.name,
        number(row.median(main)),
        "" if spread is None else f"{spread:.0f}",
        number(result.ratio(row)),
        *medians,
    ]


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
        )
        for line in lines
    )
