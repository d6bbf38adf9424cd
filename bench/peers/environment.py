"""The virtual environment of the peers, created on first use."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bench.checkout import ROOT

_FOLDER = ROOT / ".venv-bench"
_REQUIREMENTS = ROOT / "bench" / "requirements.txt"
_STAMP = _FOLDER / ".installed"


def python() -> str:
    """Returns the interpreter with the peers' libraries; installs them if they are missing or outdated."""
    wanted = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()
    if not _STAMP.exists() or _STAMP.read_text() != wanted:
        print(f"Installing {_REQUIREMENTS.relative_to(ROOT)} into {_FOLDER.name} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(_FOLDER)], check=True)
        _install()
        _STAMP.write_text(wanted)
    return str(_FOLDER / "bin" / "python")


def variables(given: dict[str, str]) -> dict[str, str]:
    """Returns the environment of a peer's process: this process's, with further variables."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", **given}


def _install() -> None:
    quietly: list[str | Path] = [_FOLDER / "bin" / "python", "-m", "pip", "install", "-qq", "--require-hashes"]
    subprocess.run([*quietly, "-r", _REQUIREMENTS], check=True, stdout=sys.stderr)
