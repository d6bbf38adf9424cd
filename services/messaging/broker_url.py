"""RABBITMQ_URL: one server, or several of one cluster, each an AMQP URI with pika's parameters.

Messages about faults never repeat the URLs, which may hold a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import pika

from core import urls

SETTING = "RABBITMQ_URL"

PARAMETERS = (
    "blocked_connection_timeout",
    "channel_max",
    "client_properties",
    "connection_attempts",
    "frame_max",
    "heartbeat",
    "locale",
    "retry_delay",
    "socket_timeout",
    "ssl_options",
    "stack_timeout",
    "tcp_options",
)
_DEFAULTS = {
    "heartbeat": 20,
    "blocked_connection_timeout": 10,
    "socket_timeout": 5,
    "stack_timeout": 10,
    "connection_attempts": 1,
}
_SHORTEST_HEARTBEAT = 10  # a connection is looked after every five seconds, when nothing else is done on it
_LONGEST_WAIT_SECONDS = 3600
_WAITS = ("blocked_connection_timeout", "socket_timeout", "stack_timeout", "retry_delay", "heartbeat")
_PASSWORD_UNLESS_SAID = "guest"  # noqa: S105  as every AMQP client has it


def faults(text: str) -> list[str]:
    """Returns the faults, one line each. Nothing is looked up or contacted."""
    return [f"{SETTING} {fault}" for url in urls.separated(text) for fault in _faults_of(url)]


def parameters(text: str, process_name: str, least_heartbeat_seconds: int = 0) -> list[pika.URLParameters]:
    """Returns connection parameters, in order, of a text without faults; what it omits has our defaults.

    A process that seldom uses its connection gives the shortest heartbeat that it can keep.
    """
    return [_parameters_of(url, process_name, least_heartbeat_seconds) for url in urls.separated(text)]


def _faults_of(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    if "#" in url:
        yield "holds a #; write %23."
        return
    if "/" in parts.path[1:]:
        yield "names a virtual host with a / in it; write %2F."
    given = parse_qsl(parts.query, keep_blank_values=True)
    names = [name for name, _ in given]
    if unknown := sorted(set(names) - set(PARAMETERS)):
        yield f"has {_named(unknown)}, which RabbitMQ's client does not know; known are {', '.join(PARAMETERS)}."
    if len(names) > len(set(names)):
        yield "has a parameter twice; leave one."
    for name, value in given:
        if name in PARAMETERS and value and (fault := _fault_of(parts.scheme, name, value)):
            yield f"has the parameter {name}, {fault}"


def _named(names: list[str]) -> str:
    return f"the parameter {' and '.join(names)}" if all(map(str.isidentifier, names)) else "a parameter"


def _fault_of(scheme: str, name: str, value: str) -> str | None:
    """Returns what pika finds wrong with one parameter."""
    try:
        found: Any = _pika(f"{scheme}://localhost/?" + urlencode({name: value}))
    except OSError as error:
        return f"which names a file that cannot be used: {error.strerror or type(error).__name__}."
    except Exception:  # noqa: BLE001  pika evaluates some values, which may fail in any way
        return "whose value cannot be used; see pika's documentation of URLParameters."
    if name == "heartbeat" and 0 < found.heartbeat < _SHORTEST_HEARTBEAT:
        return f"which must be 0 for none, or {_SHORTEST_HEARTBEAT} or more."
    if name in _WAITS and not getattr(found, name) <= _LONGEST_WAIT_SECONDS:  # NaN compares to nothing
        return f"which may be {_LONGEST_WAIT_SECONDS} at most."
    return None


def _parameters_of(url: str, process_name: str, least_heartbeat_seconds: int) -> pika.URLParameters:
    found: Any = _pika(url)
    given = dict(parse_qsl(urlsplit(url).query))
    for name, value in _DEFAULTS.items():
        if name not in given:
            setattr(found, name, value)
    if found.heartbeat != 0:
        found.heartbeat = max(found.heartbeat, least_heartbeat_seconds)
    found.client_properties = {"connection_name": f"carillon {process_name}", **(found.client_properties or {})}
    return found


def _pika(url: str) -> pika.URLParameters:
    """Returns the URL as pika reads it, except for an omitted password and a host with percent signs."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if at and ":" not in user:
        user = f"{user}:{_PASSWORD_UNLESS_SAID}"
    return pika.URLParameters(urlunsplit(parts._replace(netloc=f"{user}{at}{unquote(host)}")))
