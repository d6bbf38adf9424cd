"""Dockerfile, Compose file and unit are what their own tools take. None is built or started here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from local import install
from tests.acceptance.installation import ROOT, SERVICES

DOCKERFILE, COMPOSE = ROOT / "Dockerfile", ROOT / "docker-compose.yml"
UNIT = ROOT / "docs" / "deployment" / "carillon@.service"


def told(*command: str | Path, text: str) -> str:
    """What a tool says of a file that it reads from its standard input; nothing, if it takes it."""
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def hadolint(text: str) -> str:
    return told(Path(sys.executable).parent / "hadolint", "-", text=text)


def compose(text: str) -> str:
    return told(install.ensure("docker-compose") / "docker-compose", "--file", "-", "config", "--quiet", text=text)


def systemd(folder: Path, text: str) -> str:
    """What systemd says of this unit as each of the processes. Of a fault that it can ignore it only warns."""
    (folder / UNIT.name).write_text(text.replace("/opt/carillon/.venv/bin/python", sys.executable))
    tool = install.ensure("systemd-analyze") / "systemd-analyze"
    command = [str(tool), "verify", "--man=no", "--recursive-errors=no"]
    command += [str(folder / UNIT.name.replace("@", f"@{process}")) for process in SERVICES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr + (f"exit status {done.returncode}" if done.returncode else "")


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    text = DOCKERFILE.read_text()
    assert hadolint(text) == ""
    assert "DL3006" in hadolint(text.replace("python:3.11-slim", "python"))


def test_compose_takes_its_file() -> None:
    text = COMPOSE.read_text()
    assert compose(text) == ""
    assert "'imagine'" in compose(text.replace("image: postgres:15", "imagine: postgres:15"))


def test_systemd_takes_the_unit_of_each_process(tmp_path: Path) -> None:
    text = UNIT.read_text()
    assert systemd(tmp_path, text) == ""
    assert "'EnvironmentFiles'" in systemd(tmp_path, text.replace("EnvironmentFile=-", "EnvironmentFiles=-"))
