"""Rules for URLs, and the parts of them."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from urllib.parse import urlsplit

URL_LENGTH = 2_000

_CHARACTERS = re.compile(r"[\x21-\x5b\x5d-\x7e]*")  # printable ASCII without space and backslash
_BETWEEN_URLS = re.compile(r"\s*[,;]\s*(?=amqps?://)")
_HOSTS = re.compile(r"[a-z]+://(?:[^@/]*@)?([^/?]*)")  # user and password end at the first @, as in libpq
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def fault_of(url: str) -> str | None:
    """Returns what is wrong with a URL, or None. The URL is not repeated: it may carry a secret."""
    if _CHARACTERS.fullmatch(url) is None:
        return "holds a space, a backslash, a control character or one outside ASCII; percent-encode it."
    try:
        parts = urlsplit(url)
        port_is_wrong = parts.port == 0
    except ValueError:
        return "is not a URL; write for example https://app.example.com/hooks."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must begin with http:// or https:// and name a host."
    if "@" in parts.netloc:
        return "carries a user name or password; leave that out."
    return "names port 0; write one from 1 to 65535." if port_is_wrong else _fault_of_host(parts.hostname)


def is_web_address(url: str) -> bool:
    """Whether a URL begins with http:// or https:// and names a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def can_be_read(url: str) -> bool:
    """Whether a URL can be parsed, its port included."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def separated(text: str) -> list[str]:
    """Returns the AMQP URLs of a text: one, or several separated by commas or semicolons."""
    return _BETWEEN_URLS.split(text)


def hosts_can_be_read(url: str) -> bool:
    """Whether each of a libpq URL's comma-separated hosts can be parsed, its port included."""
    found = _HOSTS.match(url)
    return found is not None and all(can_be_read(f"//{host}") for host in found[1].split(","))


def host_and_port(url: str) -> tuple[str, int]:
    """Returns the host and the port of a web address."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def origin(url: object) -> tuple[str, str, int] | None:
    """Returns the scheme, host and port of a web address; None if the text is not one."""
    if not isinstance(url, str) or not is_web_address(url):
        return None
    try:
        return (urlsplit(url).scheme, *host_and_port(url))
    except ValueError:
        return None


def management_of(rabbitmq_url: str) -> str:
    """Returns the usual URL of a RabbitMQ's management API: on its (first) host, for the same user."""
    rabbitmq_url = separated(rabbitmq_url)[0]
    user, _, address = urlsplit(rabbitmq_url).netloc.rpartition("@")
    host = urlsplit(f"//{address}").hostname or "127.0.0.1"
    return f"http://{user or 'guest:guest'}@{f'[{host}]' if ':' in host else host}:15672"


def _fault_of_host(host: str) -> str | None:
    if "%" in host:
        return "has a % in its host; write the host's plain name or address."
    last = host.removesuffix(".").rpartition(".")[2]
    if _NUMBER.fullmatch(last) and not _is_dotted(host):
        return "names its host by an odd number; write an address as four decimal numbers, such as 203.0.113.7."
    return None


def _is_dotted(host: str) -> bool:
    try:
        IPv4Address(host)
    except ValueError:
        return False
    return True
