"""Every number among the settings has bounds, and `none` is a word for what may be left out."""

from __future__ import annotations

from typing import get_args

import pytest
from annotated_types import Ge, Le

from core.accounts import Registration
from settings import Settings, load
from tests.unit.settings.given_settings import faults

# What an extreme value needs beside it, so that it contradicts nothing.
BESIDE: dict[tuple[str, float], dict[str, str]] = {
    ("lease_seconds", 1): {"HEARTBEAT_SECONDS": "0.5"},
    ("heartbeat_seconds", 1800): {"LEASE_SECONDS": "3600"},
    ("plan_ahead_seconds", 5): {"BEAT_PATIENCE_SECONDS": "3"},
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
        ("REGISTRATION", "who_may_register", Registration.CLOSED),
    ],
)
def test_none_is_the_word_for_nobody_nowhere_and_no_limit(name: str, shown: str, means: object, word: str) -> None:
    assert getattr(load({name: word}), shown) == means


LEFT_OUT = {name for name, field in Settings.model_fields.items() if field.default in ("", None)}


@pytest.mark.parametrize("name", sorted(LEFT_OUT - {"registration"}))  # none: nobody registers
def test_what_may_be_left_out_may_be_none(name: str) -> None:
    assert not getattr(load({name.upper(): "none"}), name)


def test_none_is_no_secret_and_opens_no_host() -> None:
    [line] = faults(HOST="0.0.0.0", INTERNAL_SECRET="none")  # noqa: S104, S106
    assert "needs INTERNAL_SECRET" in line


def test_without_networks_callbacks_do_not_even_go_to_loopback() -> None:
    assert load({"CALLBACK_NETWORKS_ALLOWED": "none"}).reach.fault_of("x.test", 80, ["127.0.0.1"])
    assert load({}).reach.fault_of("x.test", 80, ["127.0.0.1"]) is None
