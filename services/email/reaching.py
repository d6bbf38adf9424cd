"""Opens connections to the mail server, for what the installation itself sends."""

from __future__ import annotations

import socket

from services.system import System


def reached(system: System, host: str, port: int) -> socket.socket:
    """Returns a connection to a mail server. Raises `OSError`."""
    return socket.create_connection((host, port), system.settings.connect_seconds)
