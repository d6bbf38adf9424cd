"""The rules for settings that name places. Each comes with what is said where it is broken."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core import urls

Rule = tuple[bool, str]  # whether it is broken, and the line that says so
_READABLE = "its port must be a number from 1 to 65535, an IPv6 host stands in brackets."


def servers(database_url: str | None, rabbitmq_url: str | None) -> list[Rule]:
    """PostgreSQL goes with RabbitMQ, and SQLite with neither."""
    postgres = (database_url or "").startswith(("postgres://", "postgresql://"))
    sqlite = database_url is None or database_url.startswith("sqlite:///")
    amqp = rabbitmq_url is None or rabbitmq_url.startswith(("amqp://", "amqps://"))
    return [
        (
            not (postgres or sqlite),
            "DATABASE_URL must begin with postgresql:// or sqlite:///; leave it out for SQLite in DATA_DIR.",
        ),
        (
            database_url in ("sqlite:///", "sqlite:///:memory:"),
            "DATABASE_URL names no file; SQLite in memory is not shared between threads. Name a file.",
        ),
        (not amqp, "RABBITMQ_URL must begin with amqp:// or amqps://."),
        (
            rabbitmq_url is not None and not postgres,
            (
                "RABBITMQ_URL needs DATABASE_URL=postgresql://...: RabbitMQ goes with PostgreSQL. "
                "Give both, or neither for the embedded mode."
            ),
        ),
        (
            rabbitmq_url is None and postgres,
            (
                "DATABASE_URL names PostgreSQL, which goes with RABBITMQ_URL=amqp://.... "
                "Give both, or neither for the embedded mode."
            ),
        ),
        *readable({"DATABASE_URL": database_url, "RABBITMQ_URL": rabbitmq_url}),
    ]


def web_addresses(given: Mapping[str, str | None]) -> list[Rule]:
    """Each of these settings, where it is given, is a web address."""
    return [
        (
            url is not None and not urls.is_web_address(url),
            f"{name} must begin with http:// or https:// and name a host.",
        )
        for name, url in given.items()
    ]


def readable(given: Mapping[str, str | None]) -> list[Rule]:
    """Each of these settings, where it is given, can be taken apart, down to its port."""
    return [
        (url is not None and not urls.can_be_read(url), f"{name} cannot be read: {_READABLE}")
        for name, url in given.items()
    ]


def parsed(name: str, parse: Callable[[str], object], text: str | None) -> list[Rule]:
    """A setting, where it is given, is one that `parse` takes."""
    try:
        parse(text or "")
    except ValueError as error:
        return [(True, f"{name} {error}")]
    return []
