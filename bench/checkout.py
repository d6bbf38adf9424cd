"""The trees that are measured: this one, and an earlier commit's in a folder of its own."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.figures import OURS

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Checkout:
    """A tree of Carillon, and its name in the tables."""

    name: str
    folder: Path


def ours() -> Checkout:
    """Returns the tree that this file stands in."""
    return Checkout(OURS, ROOT)


def of_commit(reference: str, folder: Path) -> Checkout:
    """Unpack a commit's tree; it is run with this tree's libraries."""
    commit = _git("rev-parse", "--short", f"{reference}^{{commit}}").decode().strip()
    tree = folder / f"carillon-{commit}"
    tree.mkdir()
    subprocess.run(["tar", "-x", "-C", str(tree)], input=_git("archive", commit), check=True)
    return Checkout(f"{OURS} at {commit}", tree)


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
