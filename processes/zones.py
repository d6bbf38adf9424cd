"""Time zones as every process reads them."""

from __future__ import annotations

import zoneinfo


def pin() -> None:
    """Read zones only from the locked package, since machines have different editions, which change unnoticed."""
    zoneinfo.reset_tzpath(to=())
