"""Report the results, as tables on the terminal, a JSON file, a Markdown file and a picture."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import svg, table
from bench.figures import Result, spread_percent

_PICTURED = ("drain", "callbacks", "create")  # rates, beside peers


@dataclass(frozen=True)
class Files:
    """The files to write results to, if any."""

    json: Path | None = None
    svg: Path | None = None
    markdown: Path | None = None


def printed(results: Sequence[Result]) -> Sequence[Result]:
    """Print the results' tables and return them."""
    for result in results:
        print(f"{table.of(result)}\n", flush=True)
    return results


def write(results: Sequence[Result], files: Files) -> None:
    """Write the files that are asked for."""
    if files.json is not None:
        files.json.write_text(json.dumps(document(results), indent=2) + "\n")
    if files.svg is not None:
        files.svg.write_text(svg.of([result for result in results if result.name in _PICTURED] or results))
    if files.markdown is not None:
        files.markdown.write_text("\n".join(map(table.markdown, results)))


def document(results: Sequence[Result]) -> dict[str, Any]:
    """Returns all results for JSON: the machine, and for each contestant median, spread, ratio and samples."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()},
        "results": [_result(result) for result in results],
    }


def _result(result: Result) -> dict[str, Any]:
    main = result.figures[0]
    rows = [
        {
            **asdict(row),
            "median": row.median(main),
            "spread_percent": spread_percent(row.values(main)),
            "ratio": result.ratio(row),
        }
        for row in result.rows
    ]
    ratios = [{"of": row.name, "to": other.name, "ratio": ratio} for row, other, ratio in result.comparisons()]
    return {"name": result.name, "title": result.title, "figure": main, "rows": rows, "ratios": ratios}
