"""Settings: how variables are read, and what follows from them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

import settings
from core.networks import is_loopback
from core.rates import Rate
from settings import Settings, load
from tests.unit.settings.given_settings import POSTGRESQL, RABBITMQ, faults

EXAMPLE = Path(__file__).parents[3] / ".env.example"


def test_nothing_given_is_the_embedded_mode_on_loopback() -> None:
    given = load({})
    assert given.embedded
    assert given.anonymous
    assert given.database == "sqlite:///.data/carillon.db"
    assert is_loopback(given.host)


@pytest.mark.parametrize("blank", ["", " ", " \t "])
def test_a_blank_value_counts_as_not_given(blank: str) -> None:
    assert load({name.upper(): blank for name in Settings.model_fields}) == load({})


def test_variables_of_others_and_of_other_case_are_left_alone() -> None:
    assert load({"PATH": "/bin", "port": "1", "Port": "2"}) == load({})


def test_values_are_read_as_what_they_mean() -> None:
    given = load({"PORT": " 9000 ", "LEASE_SECONDS": "6", "HEARTBEAT_SECONDS": "1.5", "DATA_DIR": "here"})
    assert (given.port, given.lease_seconds, given.heartbeat_seconds) == (9000, 6, 1.5)
    assert given.database == "sqlite:///here/carillon.db"


def test_the_example_has_every_setting_with_its_default() -> None:
    lines = EXAMPLE.read_text().splitlines()
    settings = dict(line.removeprefix("#").split("=", 1) for line in lines if re.match("#?[A-Z_]+=", line))
    assert settings.keys() == {name.upper() for name in Settings.model_fields}
    servers = {"DATABASE_URL", "RABBITMQ_URL"}  # the other mode: these are shown, none is the default
    assert load({name: value for name, value in settings.items() if name not in servers}) == load({})


def test_what_the_source_systems_promise_is_so_where_nothing_is_said() -> None:
    given = load({})
    assert given.account_rate == Rate(calls=90, seconds=60)
    assert (given.max_retries, given.retry_backoff_base) == (3, 60)
    assert (given.callback_time_limit_seconds, given.command_time_limit_seconds) == (30, 300)
    assert (given.max_upload_bytes, given.aws_region) == (10 * 1024 * 1024, "us-east-1")
    assert (given.ageing_seconds, given.max_concurrent_runs) == (300, None)


def test_the_names_of_001_are_read_as_printed() -> None:
    mail = {"HOST": "mail.example.com", "PORT": "25", "HOST_USER": "u", "HOST_PASSWORD": "p", "USE_TLS": "False"}
    bucket = {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "STORAGE_BUCKET_NAME": "files", "REGION": "eu-west-1"}
    given = load({f"EMAIL_{name}": value for name, value in mail.items()} | {f"AWS_{n}": v for n, v in bucket.items()})
    assert (given.email_host, given.email_port, given.email_use_tls) == ("mail.example.com", 25, False)
    assert (given.email_host_user, given.aws_access_key_id) == ("u", "k")
    assert (given.aws_storage_bucket_name, given.aws_region) == ("files", "eu-west-1")


def test_both_servers_are_the_services_mode() -> None:
    given = load({"DATABASE_URL": POSTGRESQL, "RABBITMQ_URL": RABBITMQ})
    assert not given.embedded
    assert given.database == POSTGRESQL


def test_settings_cannot_be_changed_once_they_are_made() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"HOST": "::1", "PORT": "9000"}, "http://[::1]:9000"),
        ({"PUBLIC_URL": "https://carillon.example.com/base/"}, "https://carillon.example.com/base"),
    ],
)
def test_the_address_that_goes_with_callbacks_is_the_public_one(environ: dict[str, str], address: str) -> None:
    assert load(environ).address == address


@pytest.mark.parametrize(
    ("environ", "management"),
    [
        ({}, "http://carillon:hunter2@mq:15672"),
        ({"RABBITMQ_URL": "amqps://[::1]:5671/x"}, "http://guest:guest@[::1]:15672"),
        ({"RABBITMQ_MANAGEMENT_URL": "https://mq/pages"}, "https://mq/pages"),
    ],
)
def test_the_management_api_is_beside_rabbitmq_unless_it_is_named(environ: dict[str, str], management: str) -> None:
    assert load({"DATABASE_URL": POSTGRESQL, "RABBITMQ_URL": RABBITMQ, **environ}).management_url == management


def test_a_heartbeat_of_half_the_lease_is_just_short_enough() -> None:
    assert load({"HEARTBEAT_SECONDS": "30"}).heartbeat_seconds == 30


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_loopback_needs_no_secret(host: str) -> None:
    assert load({"HOST": host}).anonymous


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "", "localhost.example.com", "127.0.0.1.nip.io"])  # noqa: S104
def test_what_others_can_reach_is_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_a_secret_opens_the_host() -> None:
    assert not load({"HOST": "0.0.0.0", "INTERNAL_SECRET": "hunter2"}).anonymous  # noqa: S104


def test_a_secret_of_blanks_is_none() -> None:
    [line] = faults(HOST="0.0.0.0", INTERNAL_SECRET="  ")  # noqa: S104, S106
    assert "INTERNAL_SECRET" in line


def test_the_secret_does_not_show_where_settings_are_printed() -> None:
    assert "hunter2" not in repr(load({"INTERNAL_SECRET": "hunter2"}))


def test_reading_settings_leaves_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "1")
    assert settings.load({}).port == 8000


def test_the_programs_that_jobs_may_run_are_named_one_by_one() -> None:
    given = load({"COMMANDS_ALLOWED": " echo,/usr/bin/sort , ", "COMMANDS_ENV_ALLOWED": "TZ"})
    assert given.programs_allowed == {"echo", "/usr/bin/sort"}
    assert given.variables_allowed == {"TZ"}
    assert load({}).programs_allowed == load({}).variables_allowed == frozenset()


def test_the_key_of_the_bucket_does_not_show_where_settings_are_printed() -> None:
    assert "hunter2" not in repr(load({"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "hunter2"}))


@pytest.mark.parametrize(
    ("environ", "open_to"),
    [
        ({}, {"127.0.0.1", "::1"}),
        ({"INTERNAL_SECRET": "s"}, set()),
        ({"INTERNAL_SECRET": "s", "CALLBACK_NETWORKS_ALLOWED": "10.0.0.0/8"}, {"10.0.0.1"}),
        ({"CALLBACK_NETWORKS_ALLOWED": "10.0.0.0/8, ::1"}, {"10.0.0.1", "::1"}),
    ],
)
def test_callbacks_stay_outside_but_for_loopback_without_a_secret_and_what_is_named(
    environ: dict[str, str], open_to: set[str]
) -> None:
    reach = load(environ).reach
    inner = ("127.0.0.1", "::1", "10.0.0.1", "192.168.0.1", "169.254.169.254")
    assert {address for address in inner if reach.fault_of("x.test", 80, [address]) is None} == open_to


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://app.internal", 80), ("https://APP.internal/x", 443), ("http://app.internal:9000", 9000)],
)
def test_the_callback_base_url_may_be_inside_at_its_own_port(url: str, port: int) -> None:
    given = load({"INTERNAL_SECRET": "s", "CALLBACK_BASE_URL": url})
    assert given.reach_of_base.fault_of("app.internal", port, ["10.0.0.1"]) is None
    assert given.reach_of_base.fault_of("app.internal", 81, ["10.0.0.1"])
    assert given.reach.fault_of("app.internal", port, ["10.0.0.1"]), "an address that a job gives"


def test_callbacks_go_to_the_ports_of_the_web_and_those_that_anybody_may_serve_at_unless_others_are_named() -> None:
    def open_ports(**environ: str) -> list[int]:
        reach = load(environ).reach
        return [port for port in (22, 25, 80, 443, 1024, 65_535) if not reach.fault_of("x.test", port, ["1.1.1.1"])]

    assert open_ports() == [80, 443, 1024, 65_535]
    assert open_ports(CALLBACK_PORTS_ALLOWED="443, 20-25") == [22, 25, 443]


@pytest.mark.parametrize(
    ("environ", "limit"),
    [
        ({}, 0),
        ({"INTERNAL_SECRET": "s"}, 600),
        ({"INTERNAL_SECRET": "s", "REQUESTS_PER_MINUTE": "0"}, 0),
        ({"REQUESTS_PER_MINUTE": "30"}, 30),
    ],
)
def test_requests_are_limited_where_others_can_come_in_or_a_limit_is_set(environ: dict[str, str], limit: int) -> None:
    assert load(environ).request_limit == limit


def test_origins_are_read_as_browsers_write_them() -> None:
    given = load({"CORS_ORIGINS": " https://App.Example.com:443 ,http://localhost:3000,http://[::1]:80, "})
    assert given.origins_allowed == {"https://app.example.com", "http://localhost:3000", "http://[::1]"}
    assert load({}).origins_allowed == frozenset()
    assert load({"CORS_ORIGINS": "*", "INTERNAL_SECRET": "s"}).origins_allowed == {"*"}


@pytest.mark.parametrize(
    "url",
    ["postgresql://h1:5432,h2:5433/db?target_session_attrs=read-write", "postgres:///db?host=/run/postgresql"],
)
@pytest.mark.parametrize("rabbitmq", ["amqp://h1/x;amqps://h2:5671/x", "amqp://h1, amqp://[::1]:2"])
def test_several_hosts_are_taken(url: str, rabbitmq: str) -> None:
    assert not load({"DATABASE_URL": url, "RABBITMQ_URL": rabbitmq}).embedded


def test_the_management_api_is_beside_the_first_of_several() -> None:
    several = "amqp://u:p%40@h1:1/x;amqp://h2"
    assert load({"DATABASE_URL": POSTGRESQL, "RABBITMQ_URL": several}).management_url == "http://u:p%40@h1:15672"
