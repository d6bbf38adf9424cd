"""The command line of the benchmarks: `python -m bench all [--quick]`, or the names of single measurements."""

from __future__ import annotations

import sys

from bench import command

if __name__ == "__main__":
    sys.exit(command.main(sys.argv[1:]))
