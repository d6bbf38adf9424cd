"""Looks up the known vulnerabilities of the locked libraries: `./test advisories`.

pip-audit asks OSV (https://osv.dev) for each library of the locks at its version. Where OSV is out of reach this says
so, and is no failure: `./test` itself depends on nothing beyond package managers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence

import requests

OSV = "https://api.osv.dev/v1/query"
LOCKS = ("requirements.txt", "requirements-traces.txt", "requirements-dev.txt")
_PROBE = {"package": {"name": "falcon", "ecosystem": "PyPI"}, "version": "4.0.0"}
_SECONDS = 10


def main(arguments: Sequence[str]) -> int:
    """Print what is known. Returns 0 if nothing is, or nobody could be asked; 1 for a library that must be renewed."""
    parser = argparse.ArgumentParser(prog="advisories", description=__doc__.splitlines()[0])
    parser.add_argument("locks", nargs="*", default=LOCKS, metavar="LOCK", help="files of pinned libraries")
    parser.add_argument("--osv-url", default=OSV, help="another place that answers as OSV does")
    given = parser.parse_args(arguments)
    if not _answers(given.osv_url):
        sys.stderr.write(f"advisories: {given.osv_url} is out of reach: nothing was looked up.\n")
        return 0
    return subprocess.run(_command(given.locks, given.osv_url), check=False).returncode


def _answers(url: str) -> bool:
    try:
        return requests.post(url, json=_PROBE, timeout=_SECONDS).ok
    except requests.RequestException:
        return False


def _command(locks: Sequence[str], url: str) -> list[str]:
    """Returns pip-audit's command; what the locks do not pin is not resolved."""
    files = [option for lock in locks for option in ("--requirement", lock)]
    quiet = ["--progress-spinner", "off", "--cache-dir", ".venv/.advisories"]
    return [sys.executable, "-m", "pip_audit", "--disable-pip", "-s", "osv", "--osv-url", url, *quiet, *files]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
