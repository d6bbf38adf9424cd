"""The rules that settings keep together, beyond those of each by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr, ValidationError

from core import archives, ehlo, networks, origins, permitted_commands, ports, proxies, secret_keys
from settings import server_rules
from settings.server_rules import Rule

if TYPE_CHECKING:
    from settings import Settings

_SECRETIVE = ("SECRET", "PASSWORD", "URL", "PROXY")  # a fault in these is told without the value


def all_of(settings: Settings) -> list[Rule]:
    """Returns every rule that settings keep together, and whether these break it."""
    return [
        *server_rules.servers(settings.database_url, settings.rabbitmq_url),
        *_times(settings),
        (
            settings.anonymous and not networks.is_loopback(settings.host),
            f"HOST={settings.host} is open to others, which needs INTERNAL_SECRET. Set it, or listen on 127.0.0.1.",
        ),
        *server_rules.parsed(permitted_commands.SETTING, permitted_commands.listed, settings.commands_allowed),
        (
            (settings.aws_access_key_id is None) != (settings.aws_secret_access_key is None),
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together; give both, or neither.",
        ),
        (
            not archives.is_top(settings.archive_prefix),
            (
                f"ARCHIVE_PREFIX={settings.archive_prefix} is no folder: write letters, digits, _, - and . (not "
                "first), with / between folders, of 200 characters at most."
            ),
        ),
        *_places(settings),
        *server_rules.mail(
            host=settings.email_host,
            user=settings.email_host_user,
            has_password=settings.email_host_password is not None,
            sender=settings.email_from,
            alerted=settings.alert_email,
            has_outbox=settings.embedded,
        ),
        *server_rules.parsed("EMAIL_EHLO_NAME", ehlo.checked, settings.email_ehlo_name),
        *server_rules.single_sign_on(
            settings.oidc_issuer, settings.oidc_client_id, has_secret=settings.oidc_client_secret is not None
        ),
        *server_rules.parsed(proxies.SETTING, proxies.listed, revealed(settings.egress_proxy)),
        (
            settings.ca_bundle is not None and not settings.ca_bundle.is_file(),
            f"CA_BUNDLE={settings.ca_bundle} is no file; name one that holds certificates in PEM.",
        ),
        *server_rules.parsed(secret_keys.SETTING, secret_keys.listed, revealed(settings.secret_keys)),
    ]


def _times(settings: Settings) -> list[Rule]:
    return [
        (
            settings.heartbeat_seconds * 2 > settings.lease_seconds,
            (
                f"HEARTBEAT_SECONDS={settings.heartbeat_seconds:g} is too long for LEASE_SECONDS="
                f"{settings.lease_seconds:g}: a lease must outlast two heartbeats."
            ),
        ),
        (
            settings.report_lease_seconds > settings.report_limit_seconds,
            (
                f"REPORT_LEASE_SECONDS={settings.report_lease_seconds:g} is longer than REPORT_LIMIT_SECONDS="
                f"{settings.report_limit_seconds:g}, the most that a run may wait."
            ),
        ),
        (
            settings.beat_patience_seconds >= settings.plan_ahead_seconds,
            (
                f"BEAT_PATIENCE_SECONDS={settings.beat_patience_seconds:g} must be less than PLAN_AHEAD_SECONDS="
                f"{settings.plan_ahead_seconds:g}, or occurrences would be planned late."
            ),
        ),
    ]


def _places(settings: Settings) -> list[Rule]:
    web = {
        "RABBITMQ_MANAGEMENT_URL": settings.rabbitmq_management_url,
        "PUBLIC_URL": settings.public_url,
        "AWS_ENDPOINT_URL": settings.aws_endpoint_url,
        "SPOOL_URL": settings.spool_url,
        "TRACE_URL": settings.trace_url,
    }
    return [
        *server_rules.web_addresses(web),
        *server_rules.of_trace_page(settings.trace_url),
        *server_rules.called("CALLBACK_BASE_URL", settings.callback_base_url),
        *server_rules.parsed(networks.SETTING, networks.listed, settings.callback_networks_allowed),
        *server_rules.parsed(ports.SETTING, ports.listed, settings.callback_ports_allowed),
        *server_rules.parsed("FORWARDED_ALLOW_IPS", networks.listed, settings.forwarded_allow_ips),
        *server_rules.parsed(origins.SETTING, origins.listed, settings.cors_origins),
        (
            settings.anonymous and origins.ANY in settings.cors_origins,
            "CORS_ORIGINS=* needs INTERNAL_SECRET: without it, any page in a browser here could do everything.",
        ),
    ]


def revealed(secret: SecretStr | None) -> str | None:
    """Returns a secret's text, if there is one."""
    return None if secret is None else secret.get_secret_value()


def lines_of(error: ValidationError) -> list[str]:
    """Returns a line for each fault, with the variable's name and, unless it may be a secret, its value."""
    lines: list[str] = []
    for fault in error.errors():
        message = fault["msg"].removeprefix("Value error, ")
        if fault["loc"]:
            name = str(fault["loc"][0]).upper()
            shown = "" if any(word in name for word in _SECRETIVE) else f"={fault['input']}"
            message = f"{name}{shown}: {message}."
        lines.extend(message.splitlines())
    return lines
