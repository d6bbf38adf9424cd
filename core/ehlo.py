"""The name by which a mail client greets a server: a full domain name, or its address (RFC 5321, section 4.1.1.1)."""

from __future__ import annotations

import ipaddress
import re

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST = 255


def name(host_name: str, own_address: str) -> str:
    """Returns the host's name if it is fully qualified, else the address literal of our end of the connection."""
    return host_name if is_full_name(host_name) else literal(own_address)


def is_full_name(text: str) -> bool:
    """Whether a text is a domain name of several labels, as strict servers demand."""
    labels = text.split(".")
    return (
        len(text) <= _LONGEST
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def literal(address: str) -> str:
    """Returns an IP address in the form that replaces a name: `[192.0.2.1]`, `[IPv6:2001:db8::1]`."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        return f"[{parsed.ipv4_mapped}]" if parsed.ipv4_mapped else f"[IPv6:{parsed}]"
    return f"[{parsed}]"


def checked(given: str) -> str:
    """Returns the name from the settings, perhaps empty. Raises `ValueError` for one that strict servers refuse."""
    if not given or is_full_name(given) or _is_literal(given):
        return given
    raise ValueError(f"is {given!r}; write a full domain name such as mail.example.com, or an address as [192.0.2.1].")


def _is_literal(text: str) -> bool:
    inner = text[1:-1].removeprefix("IPv6:")
    try:
        return text == literal(inner)
    except ValueError:
        return False
