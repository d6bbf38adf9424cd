"""The clients that docs/live.md prints, which tests run as they stand there."""

from __future__ import annotations

import re

from tests.acceptance.installation import ROOT


def blocks(language: str) -> list[str]:
    """The programs in this language, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs/live.md").read_text(), re.DOTALL)
