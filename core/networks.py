"""Rules for the addresses that callbacks may go to: public ones, and those that the operator named."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from core.ports import ANY, Ports
from core.ports import SETTING as PORTS_SETTING
from core.ports import shown as shown_ports

Address = IPv4Address | IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SETTING = "CALLBACK_NETWORKS_ALLOWED"
METADATA = "a metadata"


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


LOOPBACK = _networks("127.0.0.0/8", "::1/128")
EVERYTHING = _networks("0.0.0.0/0", "::/0")

# IANA's registries of special-purpose addresses, and the metadata addresses of clouds. The first match counts.
_INNER: dict[str, tuple[Network, ...]] = {
    METADATA: _networks(
        "169.254.169.254/32",
        "169.254.170.2/32",
        "169.254.170.23/32",
        "169.254.0.23/32",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "fd00:ec2::254/128",
        "fd00:ec2::23/128",
        "fd20:ce::254/128",
    ),
    "a loopback": LOOPBACK,
    "an unspecified": _networks("0.0.0.0/8", "::/128"),
    "a private": _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"),
    "a link-local": _networks("169.254.0.0/16", "fe80::/10"),
    "a shared": _networks("100.64.0.0/10"),
    "a multicast": _networks("224.0.0.0/4", "ff00::/8"),
    "a reserved": _networks(
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
    ),
}
_GLOBAL = ipaddress.IPv6Network("2000::/3")  # nothing else in IPv6 is public
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_OWN_PREFIX = 64  # the prefix of the network that one holder of IPv6 addresses usually has
_LOW_32_BITS = 0xFFFF_FFFF


@dataclass(frozen=True)
class Reach:
    """The destinations that callbacks may go to: public addresses at some ports; networks; and hosts with a port."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[tuple[str, int]] = frozenset()
    ports: Ports = ANY

    def __hash__(self) -> int:
        """Leave the networks out: each callback computes this hash, and they would take most of the time."""
        return hash(self.hosts)

    def fault_of(self, host: str, port: int, addresses: Iterable[str]) -> str | None:
        """Returns why a host with these addresses may not be called, or None. One denied address is enough.

        The address is not named: whoever chose the host would learn what inner names resolve to.
        """
        if (host.lower(), port) in self.hosts:
            return None
        return next((fault for text in addresses if (fault := self._fault_of(host, port, text))), None)

    def _fault_of(self, host: str, port: int, text: str) -> str | None:
        address = _meant(text)
        kind = kind_of(address)
        if kind != METADATA and any(address in network for network in self.networks):
            return None
        if kind is None:
            return self._fault_of_port(host, port)
        return (
            f"{host} has an address that is not allowed: callbacks go only to public addresses. Call another host, or "
            f"let {SETTING} name its network, which opens no metadata address. The log of the process has the address."
        )

    def _fault_of_port(self, host: str, port: int) -> str | None:
        if any(port in span for span in self.ports):
            return None
        return (
            f"{host} is to be called at port {port}, and callbacks go only to the ports {shown_ports(self.ports)}; "
            f"serve at one of these, or let {PORTS_SETTING} name it."
        )


PUBLIC = Reach()
ANYWHERE = Reach(EVERYTHING)


def kind_of(address: Address) -> str | None:
    """Returns which kind of inner address this is, or None for a public one."""
    for kind, networks in _INNER.items():
        if any(address in network for network in networks):
            return kind
    return "a reserved" if isinstance(address, IPv6Address) and address not in _GLOBAL else None


def is_public(text: str) -> bool:
    """Whether an address is a public one."""
    return kind_of(_meant(text)) is None


def listed(text: str) -> tuple[Network, ...]:
    """Returns the networks of a comma-separated list. Raises `ValueError`, whose message is the rule."""
    return tuple(_network(word) for word in filter(None, map(str.strip, text.split(","))))


def is_loopback(host: str) -> bool:
    """Whether a bind address or the name in a Host header means only this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def place(address: str) -> str:
    """Returns the source of a request: its IPv4 address, or the IPv6 network of its household or host."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv4Address):
        return address
    return str(known.ipv4_mapped or ipaddress.ip_network((int(known), _OWN_PREFIX), strict=False))


def _meant(text: str) -> Address:
    """Returns the address that packets really go to: the IPv4 address embedded in an IPv6 one, if there is one."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & _LOW_32_BITS)
    return address.ipv4_mapped or address.sixtofour or address


def _network(word: str) -> Network:
    try:
        return ipaddress.ip_network(word)
    except ValueError:
        raise ValueError(f"names {word!r}, which is no network; write for example 10.0.0.0/8.") from None
