"""The proxy that calls to public addresses go through, if the installation has one."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import unquote, urlsplit

SETTING = "EGRESS_PROXY"
_DEFAULT_PORT = 3128
_RULE = "is no proxy's address; write for example http://proxy.example.com:3128, with user:password@ where it asks."


@dataclass(frozen=True)
class Proxy:
    """An HTTP proxy that opens tunnels; `authorization` is the credential that it requires, if any."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Returns the proxy that a URL names. Raises `ValueError`, whose message is the rule and not the URL."""
        try:
            parts = urlsplit(url)
            port = _DEFAULT_PORT if parts.port is None else parts.port
        except ValueError:
            raise ValueError(_RULE) from None
        if parts.scheme != "http" or not parts.hostname or port == 0 or parts.path.strip("/") or parts.query:
            raise ValueError(_RULE)
        return cls(parts.hostname, port, _authorization(parts.username, parts.password))

    def request(self, address: str, port: int) -> bytes:
        """Returns the request for a tunnel to an address."""
        target = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if self.authorization is not None:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join([*lines, "\r\n"]).encode("ascii")


def listed(url: str) -> Proxy | None:
    """Returns the proxy of a setting that may be empty. Raises `ValueError` as `Proxy.parse` does."""
    return Proxy.parse(url) if url else None


def _authorization(user: str | None, password: str | None) -> str | None:
    if user is None:
        return None
    shown = f"{unquote(user)}:{unquote(password or '')}"
    return f"Basic {base64.b64encode(shown.encode()).decode()}"
