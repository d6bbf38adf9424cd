"""What the documents name is there: files, rooms, tests; every decision has its date and its status."""

from __future__ import annotations

import functools
import re
from enum import StrEnum
from pathlib import Path

import pytest

from core import schedules
from core.policies import CatchUp, Overlap

ROOT = Path(__file__).parents[2]
FILES = {file.relative_to(ROOT).as_posix(): file.read_text() for file in (ROOT / "tests").rglob("test_*.py")}
DOCS = ROOT / "docs"
RECORDS = sorted((DOCS / "decisions").glob("*.md"))
DOCUMENTS = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *RECORDS]
ARCHITECTURE = (DOCS / "architecture.md").read_text()
SUPERSEDED = "Status: superseded by "


def packages(folder: Path) -> set[str]:
    """The rooms that lie directly in a folder, by their paths from the root."""
    return {f"{file.parent.relative_to(ROOT).as_posix()}/" for file in folder.glob("*/__init__.py")}


@pytest.mark.parametrize("document", ["security.md", "sources.md"])
def test_every_test_that_a_document_names_is_there(document: str) -> None:
    told = (DOCS / document).read_text()
    named, alone = named_in(told), re.findall(r"`(test_\w+)`", told)
    assert len(named) + len(alone) > 50
    for path, test in named:
        assert any(f"def {test}(" in FILES[file] if test else True for file in files_of(path)), (path, test)
    for test in alone:
        assert any(f"def {test}(" in text for text in FILES.values()), test


def test_every_file_of_tests_that_shows_a_line_of_security_is_one_alone() -> None:
    named = {path for path, _ in named_in((DOCS / "security.md").read_text())}
    assert {path: files_of(path) for path in named if len(files_of(path)) != 1} == {}


def named_in(text: str) -> list[tuple[str, str]]:
    """The files of tests that stand in backticks, each with a test of it or none; `::test` is of the file before it."""
    found: list[tuple[str, str]] = []
    for path, test in re.findall(r"`([\w/]*test_\w+\.py)?(?:::(\w+))?`", text):
        if path or test:
            found.append((path or found[-1][0], test))
    return found


def files_of(path: str) -> list[str]:
    """The files of tests that a path means, from the root or from anywhere in tests."""
    return [file for file in FILES if f"/{file}".endswith(f"/{path}")]


def test_every_room_has_its_line_in_the_architecture() -> None:
    there = packages(ROOT) | packages(ROOT / "services") | packages(ROOT / "api")
    listed = set(re.findall(r"^\| `([\w/]+/)` \|", ARCHITECTURE, re.MULTILINE))
    assert there - listed == set(), "rooms without a line"
    assert {room for room in listed if not (ROOT / room).is_dir()} == set(), "lines without a room"


def test_the_architecture_names_the_layers_that_import_linter_keeps() -> None:
    contracts = (ROOT / "pyproject.toml").read_text()
    layers = re.findall(r'"([^"]+)"', re.findall(r"^layers = \[(.+)\]$", contracts, re.MULTILINE)[0])
    assert " → ".join(f"`{layer}`" for layer in layers) in ARCHITECTURE


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_file_and_room_that_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()
    if SUPERSEDED in text:
        return  # it tells of the house as it was
    assert [path for path in paths_in(text) if not exists(path)] == []


def paths_in(text: str) -> list[str]:
    """The paths of files of code or text, and of folders, that stand in backticks."""
    files = re.findall(r"`([\w./-]+\.(?:py|md|toml|sh|yml))(?:::\w+)?`", text)
    return [*files, *re.findall(r"`([a-z_]+(?:/[a-z_]+)*/)`", text)]


def exists(path: str) -> bool:
    """Whether a path is there from the root; a file's name alone may be anywhere, a test's path anywhere in tests."""
    if (ROOT / path).exists():
        return True
    anywhere = "/" not in path or Path(path).name.startswith("test_")
    return anywhere and any(f"/{file}".endswith(f"/{path}") for file in every_file())


@functools.cache
def every_file() -> list[str]:
    """Every file of the rooms and the documents."""
    rooms = (ROOT / room for room in [*packages(ROOT), "docs/"])
    return [file.relative_to(ROOT).as_posix() for room in rooms for file in room.rglob("*.*")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: file.name)
def test_every_link_between_documents_leads_to_a_file(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("record", RECORDS, ids=lambda file: file.name)
def test_every_decision_has_a_date_and_a_status(record: Path) -> None:
    title, blank, date, status = record.read_text().splitlines()[:4]
    assert title.startswith(f"# {record.name[:4]}: ")
    assert blank == ""
    assert re.fullmatch(r"Date: \d{4}-\d\d-\d\d", date)
    assert re.fullmatch(r"Status: (accepted.*|superseded by \[\d{4}\]\([\w.-]+\))", status)


def test_the_decisions_are_numbered_without_a_gap_or_a_double() -> None:
    assert [int(record.name[:4]) for record in RECORDS] == list(range(1, len(RECORDS) + 1))


def test_the_readme_shows_every_kind_of_schedule_with_its_members() -> None:
    told = (ROOT / "README.md").read_text()
    for name, kind in schedules.KINDS.items():
        [row] = re.findall(rf"^\| `{name}` \|.*$", told, re.MULTILINE)
        shared = "also take `timezone`" if kind.nature is schedules.Nature.RECURRING else ""
        place = row + told[told.index(shared) :].split("\n\n")[0] if shared else row
        assert [one.name for one in kind.members() if one.writable and f"`{one.name}`" not in place] == []


@pytest.mark.parametrize(("policy", "words"), [("catch_up", CatchUp), ("overlap", Overlap)])
def test_every_word_of_a_policy_is_explained(policy: str, words: type[StrEnum]) -> None:
    [row] = re.findall(rf"^\| `{policy}` \|.*$", (ROOT / "docs" / "states.md").read_text(), re.MULTILINE)
    assert [word.value for word in words if f"`{word.value}`" not in row] == []
