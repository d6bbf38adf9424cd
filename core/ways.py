"""The way that a call takes: through which proxy, believing which authorities, for which app."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from core.proxies import Proxy


@dataclass(frozen=True)
class Way:
    """How a call gets to its receiver; two calls of different ways never share a connection.

    `certificate` is the one, with its key in PEM, that is shown to a receiver that asks for one.
    """

    app_id: UUID | None = None
    proxy: Proxy | None = None
    ca_bundle: Path | None = None
    certificate: str | None = field(default=None, repr=False)


DIRECT = Way()
