"""Names that were told apart by a former release, after the migration that takes big and small letters for one."""

# ruff: noqa: RUF001  the scripts of the world

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from core.errors import InvalidInput, NotFound
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL
from migrations import runner
from models import database, users
from models.tables import Job
from services.apps import apps
from services.jobs import creating, definition, editing
from services.jobs.definition import Definition
from services.reading import listing
from services.reading.counting import Counts
from services.reading.views import JobView
from tests.factories import given_system, new_job
from tests.integration.models.former import INSTANT, fill_job, row

APPS = ("Default", "ＡＰＰ_B", "app_b", "Straße")
JOBS = ("Nightly", "nightly", "Ärger", "A\u0308RGER", "日次　レポート")
USERS = ("Ada", "ÄDA", "äda")


def test_names_that_were_told_apart_stay_and_are_found_and_none_is_taken_anew(former: None) -> None:
    runner.upgrade("0008_late")
    with database.transaction():
        _fill_names()
    assert runner.upgrade("0009_names") == ["0009_names"]
    runner.upgrade()
    system = given_system()
    found = {name: apps.get(LOCAL, name).name for name in (*APPS, "APP_B", "STRASSE")}
    assert found == {**dict(zip(APPS, APPS, strict=True)), "APP_B": "app_b", "STRASSE": "Straße"}
    with pytest.raises(NotFound):
        apps.get(LOCAL, "default")
    for name in JOBS:
        assert [view.name for view in _named(name=name)][:1] == [name]
        with pytest.raises(InvalidInput, match="another job"):
            creating.create(LOCAL, system, new_job(name=name.swapcase() if name.isascii() else name))
    assert [view.name for view in _named(search="日次 レ")] == ["日次　レポート"]
    assert {view.name for view in _named(search="ärger")} == {"Ärger", "A\u0308RGER"}
    assert {view.name for view in _named(search="TITEL Ü")} == set(JOBS)
    with database.reading():
        names_of_users = {name: getattr(users.by_username(name), "username", None) for name in (*USERS, "ADA", "Äda")}
    third = "äda" if database.is_sqlite() else "ÄDA"  # lower() of PostgreSQL never told these two apart
    assert names_of_users == {"Ada": "Ada", "ÄDA": "ÄDA", "äda": third, "ADA": "Ada", "Äda": "ÄDA"}


def test_a_job_keeps_a_name_that_it_shares_when_it_is_edited(former: None) -> None:
    runner.upgrade("0008_late")
    with database.transaction():
        _fill_names()
    runner.upgrade()
    system = given_system()
    [shared] = [view for view in _named(name="nightly") if view.name == "nightly"]
    edited = editing.edit(LOCAL, system, shared.id, lambda view: replace(_definition(view.id), title="Other"))
    assert (edited.name, edited.title) == ("nightly", "Other")


def _named(**wanted: Any) -> list[JobView]:
    """The jobs found so, those of exactly the name looked for first."""
    page = listing.jobs(LOCAL, Counts(given_system().clock), JobFilter(**wanted), NEWEST_FIRST, Stretch(limit=100))
    return sorted(page.items, key=lambda view: view.name != wanted.get("name"))


def _definition(job_id: UUID) -> Definition:
    return definition.of(Job.get_by_id(job_id), ())


def _fill_names() -> None:
    for number, name in enumerate(APPS):
        row("apps", id=f"018f00000000700080000000000002{number:02}", name=name, created_at=INSTANT, updated_at=INSTANT)
    for number, name in enumerate(JOBS):
        fill_job(id=f"018f00000000700080000000000003{number:02}", name=name, title="Titel ü")
    fill_job(id="018f0000000070008000000000000399", name="NIGHTLY", deleted_at=INSTANT)
    for number, name in enumerate(USERS):
        if name != "äda" or database.is_sqlite():
            email = f"{number}@example.com"
            user = {"username": name, "email": email, "password_hash": "-", "created_at": INSTANT}
            row("users", id=f"018f00000000700080000000000004{number:02}", **user)
