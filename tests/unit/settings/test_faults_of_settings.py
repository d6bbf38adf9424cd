"""Settings that are wrong, or contradict each other, are refused in one line each, which tells no secret."""

from __future__ import annotations

import pytest

from tests.unit.settings.given_settings import POSTGRESQL, RABBITMQ, faults


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
        ({"CALLBACK_PORTS_ALLOWED": "443, http"}, "CALLBACK_PORTS_ALLOWED names 'http', which is no port; write ports"),
        ({"CALLBACK_PORTS_ALLOWED": "none"}, "CALLBACK_PORTS_ALLOWED names 'none', which is no port"),
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
        ({"ARCHIVE_PREFIX": "/shop"}, "ARCHIVE_PREFIX=/shop is no folder: write letters"),
        ({"ARCHIVE_PREFIX": "shop/../archive"}, "ARCHIVE_PREFIX=shop/../archive is no folder"),
        ({"ARCHIVE_PREFIX": "a" * 201}, "ARCHIVE_PREFIX=aaa"),
        ({"AWS_ENDPOINT_URL": "s3.example.com"}, "AWS_ENDPOINT_URL must begin with http:// or https://"),
        (
            {"TRACE_URL": "https://jaeger.example.com/trace"},
            "TRACE_URL has no {trace_id}; write it where the id",
        ),
        ({"TRACE_URL": "jaeger/{trace_id}"}, "TRACE_URL must begin with http:// or https://"),
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
