"""The settings in force: secrets masked, whoever wrote them where, and each told where it came from."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.errors import Forbidden
from core.principals import LOCAL, Principal, PrincipalKind
from services.reading.installation import settings_in_force
from services.reading.installation.settings_in_force import Origin, SettingView
from settings import Settings, load
from tests.factories import GivenClock, GivenSystem, RecordingDoorbell


def shown(**variables: str) -> dict[str, SettingView]:
    system = GivenSystem(load(variables), GivenClock(), RecordingDoorbell())
    return {one.name: one for one in settings_in_force.listed(LOCAL, system)}


def test_every_setting_is_told_with_where_its_value_came_from() -> None:
    found = shown(WORKER_THREADS="4")
    assert list(found) == [name.upper() for name in Settings.model_fields]
    assert found["WORKER_THREADS"] == SettingView("WORKER_THREADS", "4", Origin.ENVIRONMENT)
    assert found["LEASE_SECONDS"] == SettingView("LEASE_SECONDS", "60", Origin.DEFAULT)
    assert found["ACCOUNT_RATE"].value == "90/60"
    assert found["DESTINATION_BREAKER"].value == "no"
    assert found["EMAIL_HOST"] == SettingView("EMAIL_HOST", None, Origin.DEFAULT)


def test_what_follows_from_other_settings_is_told_as_it_is_in_force() -> None:
    found = shown(PORT="8123")
    assert found["PUBLIC_URL"] == SettingView("PUBLIC_URL", "http://127.0.0.1:8123", Origin.DERIVED)
    assert found["REQUESTS_PER_MINUTE"] == SettingView("REQUESTS_PER_MINUTE", "0", Origin.DERIVED)
    assert "127.0.0.0/8" in str(found["CALLBACK_NETWORKS_ALLOWED"].value)


def test_no_secret_is_told() -> None:
    secrets = {
        "DATABASE_URL": "postgresql://ada:pass@word@db/carillon?sslpassword=hush-hush",
        "RABBITMQ_URL": "amqp://ada:hush@mq1/;amqp://ada:hush@mq2/",
        "RABBITMQ_MANAGEMENT_URL": "http://ada:hush@mq1:15672",
        "INTERNAL_SECRET": "hush" * 10,
        "EGRESS_PROXY": "http://ada:hush@proxy:3128",
        "AWS_ACCESS_KEY_ID": "hush-id",
        "AWS_SECRET_ACCESS_KEY": "hush-key",
        "EMAIL_HOST": "mail.example.com",
        "EMAIL_HOST_USER": "ada",
        "EMAIL_HOST_PASSWORD": "hush-mail",
    }
    found = shown(**secrets)
    told = " ".join(str(one.value) for one in found.values())
    assert not [word for word in ("hush", "pass@", "word@", "ada:") if word in told], told
    assert found["DATABASE_URL"].value == "postgresql://***@db/carillon?sslpassword=***"
    assert found["RABBITMQ_URL"].value == "amqp://***@mq1/; amqp://***@mq2/"
    assert found["EGRESS_PROXY"].value == "proxy:3128"
    assert found["INTERNAL_SECRET"] == SettingView("INTERNAL_SECRET", "***", Origin.ENVIRONMENT)


def test_they_are_for_administrators() -> None:
    system = GivenSystem(load({}), GivenClock(), RecordingDoorbell())
    with pytest.raises(Forbidden):
        settings_in_force.listed(Principal(PrincipalKind.USER, uuid4(), "ada"), system)
