"""Fills a peer's queue:  python -m bench.peers.fill dramatiq|celery|procrastinate JOBS [TASK]."""

from __future__ import annotations

import importlib
import sys


def main(peer: str, jobs: str, *more: str) -> None:
    """Import the peer's application and fill its queue."""
    importlib.import_module(f"bench.peers.{peer}_app").fill(int(jobs), *more)


if __name__ == "__main__":
    main(*sys.argv[1:])
