"""Checks the server's address and the secret that the user gives; messages name the one that is wrong."""

from __future__ import annotations

from urllib.parse import urlsplit

from client.errors import WrongInput

_LONGEST_SHOWN = 100
_EXAMPLE = "write for example http://127.0.0.1:8000."


def address(name: str, value: str) -> str:
    """Returns a server's address, without surrounding spaces. Raises `WrongInput`."""
    url = value.strip().rstrip("/")
    if fault := _fault_of_text(url) or _fault_of_address(url):
        raise WrongInput(f"{name}{_shown(url)} {fault}")
    return url


def secret(name: str, value: str | None) -> str | None:
    """Returns the secret, without surrounding spaces, as the server reads its own; None for a blank one.

    Raises `WrongInput`, never with the value.
    """
    text = (value or "").strip()
    if fault := _fault_of_text(text):
        raise WrongInput(f"{name} {fault}")
    return text or None


def header(name: str, value: str) -> bytes:
    """Returns the value of a header as it is sent. Raises `WrongInput`."""
    if fault := _fault_of_text(value) or ("has a space at an end; remove it." if value != value.strip() else None):
        raise WrongInput(f"{name} {fault}")
    return value.encode()


def _fault_of_text(text: str) -> str | None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "is not in UTF-8; write it again."
    if any(character < " " or character == "\x7f" for character in text):
        return "holds a line end or another control character; remove it."
    return None


def _fault_of_address(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"is no server's address: its port must be from 1 to 65535, an IPv6 host in brackets; {_EXAMPLE}"
    if port == 0:
        return f"is no server's address: its port is 0; {_EXAMPLE}"
    if parts.scheme not in ("http", "https") or not parts.hostname or " " in url:
        return f"is no server's address: it must be http:// or https:// and a host; {_EXAMPLE}"
    if "?" in url or "#" in url:
        return "has a query or fragment; the API's paths are appended to it, so leave these out."
    return None


def _shown(url: str) -> str:
    """Returns the address for a message, unless it carries a password."""
    return "" if "@" in url else f"={url[:_LONGEST_SHOWN]!a}"
