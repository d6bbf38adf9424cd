"""Loopback ports that stay the same from one start to the next."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path

# Below the range that the kernel gives to outgoing connections: else, while a server restarts, a client
# could be given the server's own port, or even connect to itself.
FIRST_PORT, LAST_PORT = 20_000, 32_000


def remembered(file: Path, names: list[str]) -> dict[str, int]:
    """Returns a port for each name: those noted in the file, or new free ones if there are none or one is taken."""
    try:
        ports = {name: int(port) for name, port in json.loads(file.read_text()).items()}
    except (OSError, ValueError):
        ports = {}
    if set(ports) != set(names) or not all(map(is_free, ports.values())):
        ports = _choose(names)
        file.write_text(json.dumps(ports))
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _choose(names: list[str]) -> dict[str, int]:
    candidates = random.sample(range(FIRST_PORT, LAST_PORT), 200)
    free = (port for port in candidates if is_free(port))
    return {name: next(free) for name in names}
