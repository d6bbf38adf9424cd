"""Dockerfile and Compose file are what their own tools take. Neither is built or started here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from local import install
from tests.acceptance.installation import ROOT

DOCKERFILE, COMPOSE = ROOT / "Dockerfile", ROOT / "docker-compose.yml"


def told(*command: str | Path, text: str) -> str:
    """What a tool says of a file that it reads from its standard input; nothing, if it takes it."""
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def hadolint(text: str) -> str:
    return told(Path(sys.executable).parent / "hadolint", "-", text=text)


def compose(text: str) -> str:
    return told(install.ensure("docker-compose") / "docker-compose", "--file", "-", "config", "--quiet", text=text)


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    text = DOCKERFILE.read_text()
    assert hadolint(text) == ""
    assert "DL3006" in hadolint(text.replace("python:3.11-slim", "python"))


def test_compose_takes_its_file() -> None:
    text = COMPOSE.read_text()
    assert compose(text) == ""
    assert "'imagine'" in compose(text.replace("image: postgres:15", "imagine: postgres:15"))
