"""Addresses of inner networks in all their spellings, and a resolver that knows names for some."""

from __future__ import annotations

import socket
from typing import Any

import pytest

PUBLIC_ADDRESS = "1.1.1.1"
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.": ["127.0.0.1"],
    "inside.test": ["10.0.0.1"],
    "mixed.test": [PUBLIC_ADDRESS, "10.0.0.1"],
    "mixed6.test": [PUBLIC_ADDRESS, "::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "instance-data.ec2.internal": ["fd00:ec2::254"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "nat64.test": ["64:ff9b::a9fe:a9fe"],
}
CORPUS = [
    "127.0.0.1",
    "127.1",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "0",
    "0.0.0.0",  # noqa: S104
    "\uff11\uff12\uff17.0.0.1",
    "\u2460\u2461\u2466.0.0.1",
    "127\u30020\u30020\u30021",
    "127.0.0.1.",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::169.254.169.254]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
    "169.254.169.254",
    "168.63.129.16",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[ff02::1]",
    "100.64.0.1",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "%31%32%37.0.0.1",
    "a@127.0.0.1",
    "a:b@127.0.0.1",
    "public.test\\@127.0.0.1",
    "127.0.0.1\\@public.test",
    "public.test#@127.0.0.1:{port}/\r\n",
    "127.0.0.1#@public.test",
    "127.0.0.1?@public.test",
    "127.0.0.1\t",
    *NAMES,
]


class Resolver:
    """Answers for the names that it knows, counts how often it was asked, and leaves numbers to the system."""

    def __init__(self, names: dict[str, list[str]]) -> None:
        self.names = names
        self.asked: list[str] = []
        self._system = socket.getaddrinfo

    def __call__(self, host: str, port: int, **options: Any) -> Any:
        self.asked.append(host)
        if host not in self.names:
            return self._system(host, port, flags=socket.AI_NUMERICHOST, **options)
        return [one for text in self.names[host] for one in self._system(text, port, **options)]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    made = Resolver(dict(NAMES))
    monkeypatch.setattr(socket, "getaddrinfo", made)
    return made


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Every socket that the code under test opens."""
    sockets: list[tuple[Any, ...]] = []

    class Recorded(socket.socket):
        def __init__(self, *args: Any, **options: Any) -> None:
            sockets.append(args)
            super().__init__(*args, **options)

    monkeypatch.setattr(socket, "socket", Recorded)
    return sockets
