"""Settings: what is wrong is refused at start, each fault in one line that names the variable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from annotated_types import Ge, Le
from pydantic import ValidationError

import settings
from core.networks import is_loopback
from core.rates import Rate
from settings import ConfigurationError, Settings, load

POSTGRESQL = "postgresql://carillon:hunter2@db/carillon"
RABBITMQ = "amqp://carillon:hunter2@mq/"
EXAMPLE = Path(settings.__file__).with_name(".env.example")


# What an extreme value needs beside it, so that it contradicts nothing.
BESIDE: dict[tuple[str, float], dict[str, str]] = {
    ("lease_seconds", 1): {"HEARTBEAT_SECONDS": "0.5"},
    ("heartbeat_seconds", 1800): {"LEASE_SECONDS": "3600"},
    ("plan_ahead_seconds", 60): {"BEAT_PATIENCE_SECONDS": "30"},
    ("beat_patience_seconds", 1800): {"PLAN_AHEAD_SECONDS": "3600"},
    ("report_limit_seconds", 1): {"REPORT_LEASE_SECONDS": "1"},
}


def numbers() -> list[str]:
    """The names of all settings that are numbers, or may be."""
    kinds = {name: get_args(field.annotation) or (field.annotation,) for name, field in Settings.model_fields.items()}
    return [name for name, kind in kinds.items() if int in kind or float in kind]


def bounds(name: str) -> tuple[float, float]:
    """The least and the most that a setting takes."""
    rules = Settings.model_fields[name].metadata
    [least] = [rule.ge for rule in rules if isinstance(rule, Ge)]
    [most] = [rule.le for rule in rules if isinstance(rule, Le)]
    return least, most  # type: ignore[return-value]  # its bounds are numbers


def faults(**environ: str) -> list[str]:
    """What is said of these variables, line by line."""
    with pytest.raises(ConfigurationError) as refused:
        load(environ)
    return str(refused.value).split("\n")


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
    ("environ", "says"),
    [
        ({"DATABASE_URL": "mysql://db/x"}, "DATABASE_URL must begin with postgresql:// or sqlite:///"),
        ({"DATABASE_URL": "sqlite://x.db"}, "DATABASE_URL must begin with"),
        ({"DATABASE_URL": POSTGRESQL, "RABBITMQ_URL": "http://mq"}, "RABBITMQ_URL must begin with amqp://"),
        ({"RABBITMQ_URL": RABBITMQ}, "RABBITMQ_URL needs DATABASE_URL=postgresql://"),
        ({"RABBITMQ_URL": RABBITMQ, "DATABASE_URL": "sqlite:///x.db"}, "RABBITMQ_URL needs DATABASE_URL"),
        ({"DATABASE_URL": POSTGRESQL}, "DATABASE_URL names PostgreSQL, which goes with RABBITMQ_URL"),
        ({"HEARTBEAT_SECONDS": "30.5"}, "HEARTBEAT_SECONDS=30.5 is too long for LEASE_SECONDS=60"),
        ({"LEASE_SECONDS": "20"}, "HEARTBEAT_SECONDS=15 is too long for LEASE_SECONDS=20"),
        ({"BEAT_PATIENCE_SECONDS": "150"}, "BEAT_PATIENCE_SECONDS=150 must be less than PLAN_AHEAD_SECONDS=150"),
        ({"HOST": "0.0.0.0"}, "HOST=0.0.0.0 is open to others, which needs INTERNAL_SECRET"),  # noqa: S104
        ({"HOST": "example.com"}, "HOST=example.com is open to others"),
        ({"HOST": "::"}, "HOST=:: is open to others"),
        ({"CALLBACK_BASE_URL": "ftp://receiver"}, "CALLBACK_BASE_URL must begin with http:// or https://"),
        ({"CALLBACK_BASE_URL": "receiver:9000"}, "CALLBACK_BASE_URL must begin with"),
        ({"CALLBACK_BASE_URL": "http://"}, "CALLBACK_BASE_URL"),
        ({"CALLBACK_BASE_URL": "http://[::1"}, "CALLBACK_BASE_URL"),
        ({"CALLBACK_BASE_URL": "http://a:99999"}, "CALLBACK_BASE_URL cannot be read: its port must be"),
        ({"CALLBACK_NETWORKS_ALLOWED": "10.0.0.1/8"}, "CALLBACK_NETWORKS_ALLOWED names '10.0.0.1/8', which is no"),
        ({"CALLBACK_NETWORKS_ALLOWED": "10.0.0.0/8, home"}, "CALLBACK_NETWORKS_ALLOWED names 'home', which is no"),
        ({"CORS_ORIGINS": "https://a.example.com/app"}, "CORS_ORIGINS names 'https://a.example.com/app', which is no"),
        ({"CORS_ORIGINS": "https://a.example.com, b.example.com"}, "CORS_ORIGINS names 'b.example.com', which is no"),
        ({"CORS_ORIGINS": "https://u@a.example.com"}, "CORS_ORIGINS names 'https://u@a.example.com', which is no"),
        ({"CORS_ORIGINS": "http://a.example.com:99999"}, "CORS_ORIGINS names"),
        ({"CORS_ORIGINS": "null"}, "CORS_ORIGINS names 'null', which is no origin"),
        ({"CORS_ORIGINS": "*, https://a.example.com", "INTERNAL_SECRET": "s"}, "CORS_ORIGINS names * and more"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS=* needs INTERNAL_SECRET"),
        ({"DATABASE_URL": "sqlite:///x.db?timeout=5"}, "DATABASE_URL has parameters, and SQLite takes none"),
        ({"DATABASE_URL": "postgresql://a:1,b:99999/x", "RABBITMQ_URL": RABBITMQ}, "DATABASE_URL cannot be read"),
        ({"DATABASE_URL": POSTGRESQL, "RABBITMQ_URL": "amqp://a;amqp://b:0"}, "RABBITMQ_URL cannot be read"),
        ({"CALLBACK_BASE_URL": "http://u:hunter2@receiver"}, "CALLBACK_BASE_URL carries a user name or password"),
        ({"COMMANDS_ALLOWED": "echo, ./run"}, "COMMANDS_ALLOWED names a path that does not begin with /"),
        ({"AWS_ACCESS_KEY_ID": "k"}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together"),
        ({"AWS_SECRET_ACCESS_KEY": "k"}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY go together"),
        ({"AWS_ENDPOINT_URL": "s3.example.com"}, "AWS_ENDPOINT_URL must begin with http:// or https://"),
        ({"SPOOL_URL": "web-1:8000"}, "SPOOL_URL must begin with http:// or https://"),
        ({"PUBLIC_URL": "carillon.example.com"}, "PUBLIC_URL must begin with http:// or https://"),
        ({"RABBITMQ_MANAGEMENT_URL": "amqp://mq"}, "RABBITMQ_MANAGEMENT_URL must begin with http:// or https://"),
        ({"REPORT_LEASE_SECONDS": "90", "REPORT_LIMIT_SECONDS": "60"}, "REPORT_LEASE_SECONDS=90 is longer than"),
        ({"EMAIL_HOST": "mail", "EMAIL_HOST_USER": "u"}, "EMAIL_HOST_USER and EMAIL_HOST_PASSWORD go together"),
        ({"EMAIL_HOST": "mail", "EMAIL_HOST_PASSWORD": "p"}, "EMAIL_HOST_USER and EMAIL_HOST_PASSWORD go together"),
        ({"EMAIL_HOST_USER": "u", "EMAIL_HOST_PASSWORD": "p"}, "EMAIL_HOST_USER needs EMAIL_HOST"),
        ({"EMAIL_FROM": "Carillon"}, "EMAIL_FROM is no plain e-mail address"),
        ({"EMAIL_FROM": "=?utf-8?q?a=0D=0AX=3A?= <a@example.com>"}, "EMAIL_FROM holds an encoded word"),
        ({"ALERT_EMAIL": "ada"}, "ALERT_EMAIL is no plain e-mail address"),
        (
            {"ALERT_EMAIL": "ada@example.com", "DATABASE_URL": POSTGRESQL, "RABBITMQ_URL": RABBITMQ},
            "ALERT_EMAIL needs EMAIL_HOST",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused_in_one_line(environ: dict[str, str], says: str) -> None:
    [line] = faults(**environ)
    assert line.startswith(says)


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


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "high"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "80.5"),
        ("WEB_THREADS", "0"),
        ("MAX_BODY_BYTES", "1023"),
        ("CALLBACK_TIME_LIMIT_SECONDS", "0"),
        ("CALLBACK_TIME_LIMIT_SECONDS", "3601"),
        ("WORKER_THREADS", "257"),
        ("LEASE_SECONDS", "0.5"),
        ("LEASE_SECONDS", "inf"),
        ("LEASE_SECONDS", "nan"),
        ("HEARTBEAT_SECONDS", "0"),
        ("WINDOW_SECONDS", "1"),
        ("PLAN_AHEAD_SECONDS", "inf"),
        ("SCAN_SECONDS", "2"),
        ("KEEP_HISTORY_DAYS", "inf"),
        ("MAX_RETRIES", "-1"),
        ("RETRY_BACKOFF_BASE", "0"),
        ("RETRY_BACKOFF_BASE", "inf"),
        ("LOG_LEVEL", "LOUD"),
        ("REQUESTS_PER_MINUTE", "-1"),
        ("REQUESTS_PER_MINUTE", "many"),
        ("EMAIL_PORT", "0"),
        ("EMAIL_USE_TLS", "perhaps"),
        ("EMAIL_MAX_RECIPIENTS", "0"),
    ],
)
def test_a_bad_value_is_named_in_one_line(name: str, value: str) -> None:
    [line] = faults(**{name: value})
    assert line.startswith(f"{name}={value}: ")


def test_every_fault_has_a_line_of_its_own() -> None:
    lines = faults(PORT="high", WEB_THREADS="0", LOG_LEVEL="LOUD")
    assert sorted(line.partition("=")[0] for line in lines) == ["LOG_LEVEL", "PORT", "WEB_THREADS"]
    assert len(faults(HEARTBEAT_SECONDS="50", HOST="0.0.0.0", DATABASE_URL=POSTGRESQL)) == 3  # noqa: S104


@pytest.mark.parametrize(
    "environ",
    [
        {"DATABASE_URL": "mysql://carillon:hunter2@db/x"},
        {"DATABASE_URL": POSTGRESQL},
        {"RABBITMQ_URL": RABBITMQ},
        {"RABBITMQ_URL": "http://carillon:hunter2@mq", "DATABASE_URL": POSTGRESQL},
        {"CALLBACK_BASE_URL": "ftp://carillon:hunter2@receiver"},
        {"INTERNAL_SECRET": "hunter2", "PORT": "high"},
        {"EMAIL_HOST_PASSWORD": "hunter2"},
        {"INTERNAL_SECRET": "hunter2", "DATABASE_URL": POSTGRESQL},
    ],
)
def test_no_message_tells_a_secret(environ: dict[str, str]) -> None:
    assert "hunter2" not in "\n".join(faults(**environ))


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
    reach = load({"INTERNAL_SECRET": "s", "CALLBACK_BASE_URL": url}).reach
    assert reach.fault_of("app.internal", port, ["10.0.0.1"]) is None
    assert reach.fault_of("app.internal", 81, ["10.0.0.1"])


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


def test_there_are_numbers_to_look_at() -> None:
    assert {"port", "lease_seconds", "keep_history_days", "max_concurrent_runs"} <= set(numbers())


@pytest.mark.parametrize("name", numbers())
def test_every_number_has_a_least_and_a_most_and_is_taken_at_both(name: str) -> None:
    for value in bounds(name):
        given = load({name.upper(): str(value), **BESIDE.get((name, value), {})})
        assert getattr(given, name) == value


@pytest.mark.parametrize("name", numbers())
def test_no_number_is_taken_beyond_its_bounds(name: str) -> None:
    least, most = bounds(name)
    for value in ("1e300", "-1e300", "nan", "inf", "800000000000000000000", str(most + 1), str(least - 0.001)):
        [line] = faults(**{name.upper(): value})
        assert line.startswith(f"{name.upper()}={value}: ")


@pytest.mark.parametrize("rate", ["1/1e300", "90/99999999999999", "99999999/1", "0/1", "1/0", "-1/1", "1/nan"])
def test_a_rate_has_bounds_too(rate: str) -> None:
    [line] = faults(ACCOUNT_RATE=rate)
    assert line.startswith(f"ACCOUNT_RATE={rate}: write calls/seconds")


@pytest.mark.parametrize("word", ["none", "None", " NONE "])
@pytest.mark.parametrize(
    ("name", "shown", "means"),
    [
        ("CALLBACK_NETWORKS_ALLOWED", "callback_networks_allowed", ""),
        ("CORS_ORIGINS", "origins_allowed", frozenset()),
        ("ADMIN_USERNAMES", "admin_usernames", ""),
        ("COMMANDS_ALLOWED", "programs_allowed", frozenset()),
        ("COMMANDS_ENV_ALLOWED", "variables_allowed", frozenset()),
        ("TASK_TYPES", "task_types", ""),
        ("ACCOUNT_RATE", "account_rate", None),
        ("MAX_CONCURRENT_RUNS", "max_concurrent_runs", None),
        ("REQUESTS_PER_MINUTE", "request_limit", 0),
        ("HEALTH_PORT", "health_port", None),
        ("EMAIL_HOST", "email_host", None),
        ("ALERT_EMAIL", "alert_email", None),
        ("AWS_STORAGE_BUCKET_NAME", "aws_storage_bucket_name", None),
        ("DATABASE_URL", "embedded", True),
        ("INTERNAL_SECRET", "anonymous", True),
    ],
)
def test_none_is_the_word_for_nobody_nowhere_and_no_limit(name: str, shown: str, means: object, word: str) -> None:
    assert getattr(load({name: word}), shown) == means


@pytest.mark.parametrize("name", [name for name, field in Settings.model_fields.items() if field.default in ("", None)])
def test_what_may_be_left_out_may_be_none(name: str) -> None:
    assert not getattr(load({name.upper(): "none"}), name)


def test_none_is_no_secret_and_opens_no_host() -> None:
    [line] = faults(HOST="0.0.0.0", INTERNAL_SECRET="none")  # noqa: S104, S106
    assert "needs INTERNAL_SECRET" in line


def test_without_networks_callbacks_do_not_even_go_to_loopback() -> None:
    assert load({"CALLBACK_NETWORKS_ALLOWED": "none"}).reach.fault_of("x.test", 80, ["127.0.0.1"])
    assert load({}).reach.fault_of("x.test", 80, ["127.0.0.1"]) is None


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
