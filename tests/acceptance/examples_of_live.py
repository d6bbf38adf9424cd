"""The clients that docs/live.md prints, which tests run as they stand there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.acceptance.installation import ROOT


def blocks(language: str) -> list[str]:
    """The programs in this language, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs/live.md").read_text(), re.DOTALL)


def next_data(lines: Iterator[Any]) -> Any:
    """The data of the next event."""
    return next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
