"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILES = {file.relative_to(ROOT).as_posix(): file.read_text() for file in (ROOT / "tests").rglob("test_*.py")}


def test_every_test_that_tells_of_a_source_system_is_there() -> None:
    told = (ROOT / "docs" / "sources.md").read_text()
    named = re.findall(r"`([\w/]*test_\w+\.py)(?:::(\w+))?`", told)
    alone = re.findall(r"`(test_\w+)`", told)
    assert len(named) + len(alone) > 50
    for path, test in named:
        there = [text for file, text in FILES.items() if file == path or file.endswith(f"/{path}")]
        assert any(f"def {test}(" in text if test else True for text in there), (path, test)
    for test in alone:
        assert any(f"def {test}(" in text for text in FILES.values()), test
