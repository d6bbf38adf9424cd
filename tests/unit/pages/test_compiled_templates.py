"""A template is compiled once, until anything that its code depends on changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment

from pages.compiled_templates import CompiledTemplates

SOURCE = "Hello {{ name }}"


class Counting(Environment):
    """Counts what it compiles."""

    compiled = 0

    def compile(self, *arguments: Any, **options: Any) -> Any:
        self.compiled += 1
        return super().compile(*arguments, **options)


Compiles = Callable[..., int]


@pytest.fixture
def compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compiles:
    """How many templates a new process compiles to greet somebody."""
    monkeypatch.setattr("sys.dont_write_bytecode", False)

    def count(source: str = SOURCE, folder: Path = tmp_path, environment_source: str = "trim_blocks=True") -> int:
        kept = CompiledTemplates(folder, environment_source)
        environment = Counting(loader=DictLoader({"page": source}), bytecode_cache=kept, autoescape=True)
        assert environment.get_template("page").render(name="Anna").endswith("Anna")
        return environment.compiled

    return count


def test_the_second_process_compiles_nothing(compiles: Compiles) -> None:
    assert [compiles(), compiles(), compiles()] == [1, 0, 0]


def test_other_users_may_read_what_one_has_compiled(compiles: Compiles, tmp_path: Path) -> None:
    assert compiles() == 1
    assert [file.stat().st_mode & 0o777 for file in tmp_path.rglob("*.jinja")] == [0o644]


@pytest.mark.parametrize("change", [{"source": "Goodbye {{ name }}"}, {"environment_source": "trim_blocks=False"}])
def test_what_has_changed_is_compiled_anew(compiles: Compiles, change: dict[str, str]) -> None:
    assert [compiles(), compiles(**change), compiles(**change)] == [1, 1, 0]


def test_where_nothing_can_be_kept_each_process_compiles(compiles: Compiles, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert [compiles(folder=file), compiles(folder=file)] == [1, 1]


def test_where_python_is_told_to_write_no_code_none_is_written(
    compiles: Compiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert [compiles(), compiles()] == [1, 1]
    assert list(tmp_path.iterdir()) == []
