"""Begins every process: reads the settings, and checks them before any server is contacted."""

from __future__ import annotations

import structlog

from core import permitted_commands
from models import database
from processes.environment import environment
from services.messaging import broker_url
from services.runtime import logs, spans
from services.task_types import loading
from settings import ConfigurationError, Settings, load

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared with, not listened on
log = structlog.get_logger()


def embedded_settings() -> Settings:
    """Returns the settings of the embedded server. Raises `ConfigurationError` for those of the services mode."""
    settings = _settings_with_task_types()
    if not settings.embedded:
        raise ConfigurationError("RABBITMQ_URL is set: that is the services mode. Use ./run services, or unset it.")
    logs.configure(settings.log_level)
    warn(settings)
    return settings


def services_settings() -> Settings:
    """Returns the settings of a process of the services mode. Raises `ConfigurationError` for embedded ones."""
    settings = _settings_with_task_types()
    if settings.embedded:
        raise ConfigurationError("This process needs DATABASE_URL=postgresql://... and RABBITMQ_URL=amqp://....")
    return settings


def _settings_with_task_types() -> Settings:
    """Load the settings, and register the task types that they name."""
    settings = checked_settings(environment())
    loading.load(settings)
    return settings


def load_settings() -> Settings:
    """Returns the settings of this process's environment."""
    return load(environment())


def checked_settings(given: dict[str, str]) -> Settings:
    """Returns the settings that an environment gives, with URLs that libpq and pika accept.

    Raises `ConfigurationError`, one line per fault, before any server is contacted.
    """
    settings = load(given)
    of_broker = [] if settings.rabbitmq_url is None else broker_url.faults(settings.rabbitmq_url)
    of_spans = spans.faults_of(settings)
    if lines := [*database.faults_of(settings.database), *of_broker, *of_spans]:
        raise ConfigurationError("\n".join(lines))
    return settings


def warn(settings: Settings) -> None:
    """Log settings that are valid but probably not intended."""
    if programs := permitted_commands.that_run_others(settings.commands_permitted):
        log.warning(
            "commands_run_others",
            programs=programs,
            detail="an argument can make these run any program or write files, and jobs may give any: let "
            "COMMANDS_ALLOWED name their arguments too, as in 'backup --to {}'",
        )
    if settings.public_url is None and settings.host in _EVERYWHERE:
        log.warning(
            "public_url_is_not_set",
            detail=f"receivers and links get {settings.address}, which no other host can reach: set PUBLIC_URL",
        )
    if settings.secret_keys is None and not settings.embedded:
        log.warning(
            "secret_keys_are_not_set",
            detail="callbacks are not signed and no secret can be stored: set SECRET_KEYS, the same for every process",
        )
