"""What a database has to be, and the one line that says what to change where it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.surroundings import Surroundings, lasting_fault

GOOD = Surroundings("carillon", "ada", '"$user", public', "public", "UTF8", is_standby=False, may_create=True)


def test_a_database_as_it_should_be_has_no_faults() -> None:
    assert [*GOOD.faults(), *GOOD.faults_for_migrating()] == []


@pytest.mark.parametrize(
    ("found", "remedy"),
    [
        ({"is_standby": True}, "name the primary"),
        ({"encoding": "SQL_ASCII"}, "CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0"),
        ({"schema": None, "search_path": "nowhere"}, "search_path=nowhere names no schema"),
        ({"lost_options": ("search_path",)}, "ALTER ROLE ada SET search_path"),
    ],
)
def test_each_fault_is_a_line_with_its_remedy(found: dict[str, Any], remedy: str) -> None:
    [line] = replace(GOOD, **found).faults()
    assert line.startswith("DATABASE_URL")
    assert remedy in line


def test_who_may_not_create_is_told_what_to_grant() -> None:
    [line] = replace(GOOD, may_create=False).faults_for_migrating()
    assert "GRANT USAGE, CREATE ON SCHEMA public TO ada" in line


@pytest.mark.parametrize(
    ("told", "lasts"),
    [
        ("FATAL:  unsupported startup parameter: options", True),
        ("server does not support SSL, but SSL was required", True),
        ("SSL error: certificate verify failed", True),
        ("connection to server failed: Connection refused", False),
        ("FATAL:  the database system is starting up", False),
        ("FATAL:  password authentication failed for user", False),
    ],
)
def test_what_waiting_cannot_mend_is_told_from_what_it_can(told: str, lasts: bool) -> None:
    assert (lasting_fault(told) is not None) is lasts
