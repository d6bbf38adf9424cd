"""Configuration: read once from the environment, validated, frozen, handed down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator

from core import origins, ports, urls
from core.accounts import Registration
from core.calls import CallsKept
from core.errors import Misconfigured
from core.group_roles import GroupRoles
from core.networks import Reach
from core.permitted_commands import PermittedCommand
from core.rates import Rate
from core.retry import MIN_BACKOFF_SECONDS
from core.ways import Way
from settings import parsing as values
from settings import rules

_REQUESTS_PER_MINUTE = 600
_A_YEAR = 31_536_000
LONGEST_LEASE_SECONDS = 3_600
LONGEST_REPORT_LEASE_SECONDS = 86_400


class ConfigurationError(Misconfigured):
    """The environment holds values that cannot be used; one line for each fault."""


class Settings(BaseModel):
    """Every setting, under the name of its environment variable in lower case."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True, allow_inf_nan=False)

    # The database and the broker. Neither given: embedded, on SQLite and an in-process broker.
    database_url: str | None = None
    rabbitmq_url: str | None = None
    rabbitmq_management_url: str | None = None
    rabbitmq_queue_type: Literal["classic", "quorum"] = "classic"
    data_dir: Path = Path(".data")

    # The API.
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    keep_alive_seconds: int = Field(default=75, ge=1, le=3600)
    forwarded_allow_ips: str = "127.0.0.1"
    health_host: str = "127.0.0.1"
    health_port: int | None = Field(default=None, ge=1, le=65535)
    web_threads: int = Field(default=8, ge=1, le=64)
    web_concurrency: int = Field(default=1, ge=0, le=64)
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024, le=1024**3)
    internal_secret: SecretStr | None = None
    requests_per_minute: int | None = Field(default=None, ge=0, le=1_000_000)
    cors_origins: str = ""
    apps_per_user: int = Field(default=100, ge=0, le=1_000_000)
    admin_usernames: str = ""
    registration: Registration | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scopes: str = "openid profile email"
    oidc_groups_claim: str = "groups"
    oidc_groups: Annotated[GroupRoles, BeforeValidator(values.group_roles)] = GroupRoles()
    public_url: str | None = None

    # The keys that encrypt secrets, comma-separated: the first encrypts, all of them decrypt.
    secret_keys: SecretStr | None = None

    # Callbacks.
    callback_base_url: str | None = None
    callback_networks_allowed: str | None = None
    callback_ports_allowed: str = ports.USUAL
    egress_proxy: SecretStr | None = None
    ca_bundle: Path | None = None
    callback_time_limit_seconds: float = Field(default=30, ge=0.1, le=3600)
    connect_seconds: float = Field(default=5, ge=0.1, le=60)
    report_lease_seconds: float = Field(default=60, ge=1, le=LONGEST_REPORT_LEASE_SECONDS)
    max_report_lease_seconds: float = Field(default=3600, ge=1, le=LONGEST_REPORT_LEASE_SECONDS)
    report_limit_seconds: float = Field(default=86_400, ge=1, le=_A_YEAR)

    calls_kept: CallsKept = CallsKept.ALL

    # The modules that register the installation's own task types.
    task_types: str = ""

    # Execution.
    worker_threads: int = Field(default=16, ge=1, le=256)
    lease_seconds: float = Field(default=60, ge=1, le=LONGEST_LEASE_SECONDS)
    heartbeat_seconds: float = Field(default=15, ge=0.1, le=1800)
    shutdown_grace_seconds: float = Field(default=20, ge=0, le=3600)
    max_concurrent_runs: int | None = Field(default=None, ge=1, le=1_000_000)
    account_rate: Annotated[Rate | None, BeforeValidator(values.rate)] = Rate(calls=90, seconds=60)
    destination_breaker: bool = False

    # Commands: the programs that jobs may run, and their limits.
    commands_allowed: str = ""
    commands_env_allowed: str = ""
    command_time_limit_seconds: float = Field(default=300, ge=0.1, le=3600)
    command_lines: bool = True
    command_memory_bytes: int = Field(default=1024**3, ge=16 * 1024**2, le=1024**4)

    # E-mail: the SMTP server, and the receiver of alerts about jobs without an owner.
    email_host: str | None = None
    email_port: int = Field(default=587, ge=1, le=65535)
    email_host_user: str | None = None
    email_host_password: SecretStr | None = None
    email_use_tls: bool = True
    email_ehlo_name: str | None = None
    email_from: str = "Carillon <carillon@localhost.localdomain>"
    email_max_recipients: int = Field(default=100, ge=1, le=1000)
    email_time_limit_seconds: float = Field(default=120, ge=0.1, le=3600)
    alert_email: str | None = None

    # Uploads: kept in a bucket of S3 or of a compatible server, or else in DATA_DIR.
    max_upload_bytes: int = Field(default=10 * 1024 * 1024, ge=1, le=1024**4)
    max_waiting_upload_bytes: int = Field(default=100 * 1024 * 1024, ge=1, le=1024**5)
    aws_storage_bucket_name: str | None = None
    aws_access_key_id: str | None = None
    aws_secret_access_key: SecretStr | None = None
    aws_region: str = "us-east-1"
    aws_endpoint_url: str | None = None
    spool_url: str | None = None

    # The coordinator's clock.
    window_seconds: float = Field(default=30, ge=2, le=600)
    plan_ahead_seconds: float = Field(default=150, ge=5, le=3600)
    beat_patience_seconds: float = Field(default=75, ge=1, le=1800)
    scan_seconds: float = Field(default=0.25, ge=0.01, le=1)
    ageing_seconds: float = Field(default=300, ge=1, le=_A_YEAR)
    late_seconds: float = Field(default=300, ge=1, le=_A_YEAR)
    keep_history_days: float = Field(default=30, ge=0.01, le=36_500)
    archive_history: bool = False
    archive_prefix: str = "archive"

    # Retries, unless the job or its task type sets its own.
    max_retries: int = Field(default=3, ge=0, le=100)
    retry_backoff_base: float = Field(default=60, ge=MIN_BACKOFF_SECONDS, le=86_400)

    # Traces: where spans go (OTLP over HTTP), and the page that shows a trace, with {trace_id} in its address.
    otel_exporter_otlp_endpoint: str | None = None
    otel_sdk_disabled: bool = False
    otel_exporter_otlp_protocol: str = "http/protobuf"
    trace_url: str | None = None

    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    fault_points: str = ""

    @property
    def embedded(self) -> bool:
        """Whether everything runs in one process, on SQLite and the in-process broker."""
        return self.rabbitmq_url is None

    @property
    def database(self) -> str:
        """The database's URL; SQLite in the data folder where none is given."""
        return self.database_url or f"sqlite:///{self.data_dir / 'carillon.db'}"

    @property
    def database_folder(self) -> Path:
        """Where the embedded mode's rows are; no two servers may share it."""
        return Path(self.database.removeprefix("sqlite:///")).parent

    @property
    def programs_allowed(self) -> frozenset[str]:
        """The programs that jobs may run, by name or absolute path; none: commands are off."""
        return frozenset(one.program for one in self.commands_permitted)

    @property
    def commands_permitted(self) -> tuple[PermittedCommand, ...]:
        """The programs that jobs may run, and with which arguments."""
        return values.commands(self.commands_allowed)

    @property
    def variables_allowed(self) -> frozenset[str]:
        """The environment variables that jobs may set for their commands."""
        return values.listed(self.commands_env_allowed)

    @property
    def origins_allowed(self) -> frozenset[str]:
        """The origins whose pages may use the API from a browser; `*` for all."""
        return origins.listed(self.cors_origins)

    @property
    def address(self) -> str:
        """Where others reach the API: PUBLIC_URL, else where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def spool_address(self) -> str:
        """Where workers on other hosts reach this very host's web process, to fetch what was uploaded to it."""
        return (self.spool_url or self.address).rstrip("/")

    @property
    def web_processes(self) -> int:
        """How many processes serve the API: as WEB_CONCURRENCY says, 0 for one on each core."""
        return self.web_concurrency or os.cpu_count() or 1

    @property
    def request_limit(self) -> int:
        """How many requests a minute one caller may send; 0 for any number, the default in anonymous mode."""
        if self.requests_per_minute is not None:
            return self.requests_per_minute
        return 0 if self.anonymous else _REQUESTS_PER_MINUTE

    @property
    def who_may_register(self) -> Registration:
        """Who may register: as REGISTRATION says; by default closed if single sign-on is configured, else open."""
        if self.registration is not None:
            return self.registration
        return Registration.OPEN if self.oidc_issuer is None else Registration.CLOSED

    @property
    def management_url(self) -> str:
        """RabbitMQ's management API: as given, else at the default port of RabbitMQ's host, for the same user."""
        return self.rabbitmq_management_url or urls.management_of(self.rabbitmq_url or "")

    @property
    def reach(self) -> Reach:
        """Where calls to addresses that applications give may go (docs/decisions/0011-inner-addresses.md)."""
        return values.reach(None, self.callback_networks_allowed, self.callback_ports_allowed, anonymous=self.anonymous)

    @property
    def reach_of_base(self) -> Reach:
        """Where calls to addresses built from CALLBACK_BASE_URL may go: as `reach`, and to its host and port."""
        base = self.callback_base_url
        return values.reach(base, self.callback_networks_allowed, self.callback_ports_allowed, anonymous=self.anonymous)

    @property
    def way(self) -> Way:
        """How calls leave this installation: through which proxy, trusting which certificate authorities."""
        return values.way(rules.revealed(self.egress_proxy), self.ca_bundle)

    @property
    def anonymous(self) -> bool:
        """Whether callers need no authentication; possible only on loopback."""
        return self.internal_secret is None

    @model_validator(mode="before")
    @classmethod
    def _none_is_a_word(cls, given: dict[str, Any]) -> dict[str, Any]:
        """Read `none` as nobody, nowhere or no limit, for every setting that can be without a value."""
        return {name: values.without_none(name, value, cls.model_fields[name].default) for name, value in given.items()}

    @model_validator(mode="after")
    def _no_contradictions(self) -> Self:
        faults = [message for wrong, message in rules.all_of(self) if wrong]
        if faults:
            raise ValueError("\n".join(faults))
        return self


def load(environ: Mapping[str, str]) -> Settings:
    """Build the settings from environment variables; a blank value counts as not given.

    Raises `ConfigurationError` with one line for each fault, naming the variable.
    """
    given = {name: environ[name.upper()] for name in Settings.model_fields if environ.get(name.upper(), "").strip()}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError("\n".join(rules.lines_of(error))) from None
