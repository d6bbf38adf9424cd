"""The command line: `python -m bench all [--quick]`, single measurements, or what is listed in `_OWN`."""

from __future__ import annotations

import sys

from bench import command, pages
from bench.chaos import command as chaos
from bench.drills import command as drills
from bench.growth import command as growth
from bench.growth import retention_command as retention
from bench.live import command as live
from bench.soak import command as soak

_OWN = {
    "chaos": chaos.main,
    "growth": growth.main,
    "retention": retention.main,
    "pages": pages.main,
    "live": live.main,
    "drill": drills.main,
    "soak": soak.main,
}

if __name__ == "__main__":
    own = _OWN.get(sys.argv[1]) if len(sys.argv) > 1 else None
    sys.exit(command.main(sys.argv[1:]) if own is None else own(sys.argv[2:]))
