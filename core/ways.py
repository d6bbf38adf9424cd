"""The way that a call takes: its proxy, the certificate authorities that it trusts, and its app."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from core.proxies import Proxy


@dataclass(frozen=True)
class Way:
    """How a call gets to its receiver; two calls of different ways never share a connection.

    `certificate` is a client certificate with its key, in PEM, for receivers that ask for one.
    """

    app_id: UUID | None = None
    proxy: Proxy | None = None
    ca_bundle: Path | None = None
    certificate: str | None = field(default=None, repr=False)


DIRECT = Way()
