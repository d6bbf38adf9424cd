"""What the documents name is there."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest

from core import schedules
from core.policies import CatchUp, Overlap

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


def test_the_readme_shows_every_kind_of_schedule_with_its_members() -> None:
    told = (ROOT / "README.md").read_text()
    for name, kind in schedules.KINDS.items():
        [row] = re.findall(rf"^\| `{name}` \|.*$", told, re.MULTILINE)
        shared = "takes `timezone`" if kind.nature is schedules.Nature.RECURRING else ""
        place = row + told[told.index(shared) :].split("\n\n")[0] if shared else row
        assert [one.name for one in kind.members() if one.writable and f"`{one.name}`" not in place] == []


@pytest.mark.parametrize(("policy", "words"), [("catch_up", CatchUp), ("overlap", Overlap)])
def test_every_word_of_a_policy_is_explained(policy: str, words: type[StrEnum]) -> None:
    [row] = re.findall(rf"^\| `{policy}` \|.*$", (ROOT / "docs" / "states.md").read_text(), re.MULTILINE)
    assert [word.value for word in words if f"`{word.value}`" not in row] == []
