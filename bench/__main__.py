"""The command line of the benchmarks: `python -m bench all [--quick]`, single measurements by name, or `chaos`."""

from __future__ import annotations

import sys

from bench import command
from bench.chaos import command as chaos

if __name__ == "__main__":
    is_chaos = sys.argv[1:2] == ["chaos"]
    sys.exit(chaos.main(sys.argv[2:]) if is_chaos else command.main(sys.argv[1:]))
