"""A command imports the rooms that it runs, and no others: most of a short command is its imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from client import commands

ROOT = Path(__file__).parents[2]
ROOMS = {"actors", "api", "client", "local", "migrations", "models", "pages", "services"}


def loaded(program: str) -> set[str]:
    """The names of the modules that a new process has after this program."""
    program += "; import sys; print(*sys.modules, sep='\\n')"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ended.stdout.splitlines())


@pytest.mark.parametrize("name", ["jobs", "preview"])
def test_a_command_of_the_client_imports_nothing_of_the_server_or_of_other_commands(name: str) -> None:
    modules = loaded(f"import cli; cli.command_line(['{name}', '--help'])")
    assert f"client.{name}" in modules
    assert modules & ROOMS == {"client"}
    assert modules.isdisjoint({"settings", "peewee", "dramatiq", "falcon", "jinja2", "structlog", "client.restores"})


def test_a_process_imports_nothing_of_the_client_and_of_those_who_try_it() -> None:
    modules = loaded("import cli; cli.command_line(['worker']); import processes.start, processes.worker")
    assert modules & ROOMS == {"actors", "migrations", "models", "client", "services"}
    assert {name for name in modules if name.startswith("client.")} == {"client.commands", "client.terminal"}


def test_help_names_every_command() -> None:
    help_text = subprocess.run(
        [sys.executable, "cli.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    named = {line.split()[0] for line in help_text.partition("Commands:")[2].splitlines() if line}
    assert {"serve", "web", "rotate-secrets", *commands.NAMES} <= named
