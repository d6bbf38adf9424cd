"""The rules for settings that name servers, places and people, each with its message."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core import networks, urls
from core.letters import address_of, fault_of_address, fault_of_header
from core.trace_context import TRACE_ID

Rule = tuple[bool, str]  # whether the rule is broken, and the message
_READABLE = "its port must be a number from 1 to 65535, an IPv6 host stands in brackets."


def servers(database_url: str | None, rabbitmq_url: str | None) -> list[Rule]:
    """Check that PostgreSQL is combined with RabbitMQ, and SQLite with neither."""
    postgres = (database_url or "").startswith(("postgres://", "postgresql://"))
    sqlite = database_url is None or database_url.startswith("sqlite:///")
    brokers = [] if rabbitmq_url is None else urls.separated(rabbitmq_url)
    amqp = all(url.startswith(("amqp://", "amqps://")) for url in brokers)
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
        (
            sqlite and "?" in (database_url or ""),
            "DATABASE_URL has parameters, and SQLite takes none; leave out the ? and what follows.",
        ),
        (postgres and not urls.hosts_can_be_read(database_url or ""), f"DATABASE_URL cannot be read: {_READABLE}"),
        (not all(map(urls.can_be_read, brokers)), f"RABBITMQ_URL cannot be read: {_READABLE}"),
    ]


def web_addresses(given: Mapping[str, str | None]) -> list[Rule]:
    """Check that each of these settings that is given is a web address."""
    return [
        (
            url is not None and not urls.is_web_address(url),
            f"{name} must begin with http:// or https:// and name a host.",
        )
        for name, url in given.items()
    ]


def of_trace_page(url: str | None) -> list[Rule]:
    """Check that the address of the page that shows a trace has a placeholder for the trace's id."""
    return [(url is not None and TRACE_ID not in url, f"TRACE_URL has no {TRACE_ID}; write it where the id goes.")]


def called(name: str, url: str | None) -> list[Rule]:
    """Check that a setting, if given, is a URL that callbacks can be sent to."""
    if url is None:
        return []
    if urls.is_web_address(url) and not urls.can_be_read(url):
        return [(True, f"{name} cannot be read: {_READABLE}")]
    fault = urls.fault_of(url)
    return [(fault is not None, f"{name} {fault}")]


def mail(
    *, host: str | None, user: str | None, has_password: bool, sender: str, alerted: str | None, has_outbox: bool
) -> list[Rule]:
    """Check that mail server and login are given together, and that addresses are well-formed."""
    addresses = {"EMAIL_FROM": address_of(sender), "ALERT_EMAIL": alerted}
    return [
        (
            (user is None) == has_password,
            "EMAIL_HOST_USER and EMAIL_HOST_PASSWORD go together; give both, or neither to send without login.",
        ),
        (user is not None and host is None, "EMAIL_HOST_USER needs EMAIL_HOST, the server to log in to."),
        (
            alerted is not None and host is None and not has_outbox,
            "ALERT_EMAIL needs EMAIL_HOST, the server that sends it.",
        ),
        *(
            (fault is not None, f"{name} {fault}")
            for name, fault in ((name, fault_of_address(one)) for name, one in addresses.items() if one is not None)
        ),
        (fault_of_header(sender) is not None, f"EMAIL_FROM {fault_of_header(sender)}"),
    ]


def single_sign_on(issuer: str | None, client_id: str | None, *, has_secret: bool) -> list[Rule]:
    """Check the settings of the identity provider."""
    return [
        (
            len({issuer is not None, client_id is not None, has_secret}) > 1,
            "OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET go together; give all three, or none.",
        ),
        (
            issuer is not None and not _is_safe(issuer),
            f"OIDC_ISSUER={issuer} must begin with https://, unless it is on this machine.",
        ),
    ]


def parsed(name: str, parse: Callable[[str], object], text: str | None) -> list[Rule]:
    """Check that `parse` accepts a setting, if it is given."""
    try:
        parse(text or "")
    except ValueError as error:
        return [(True, f"{name} {error}")]
    return []


def _is_safe(issuer: str) -> bool:
    """Whether nobody on the network path can impersonate a provider."""
    if not urls.is_web_address(issuer):
        return False
    return issuer.startswith("https://") or networks.is_loopback(urls.host_and_port(issuer)[0])
