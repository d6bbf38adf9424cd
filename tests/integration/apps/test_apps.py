"""Apps: of two who change one at the same moment, neither takes back what the other changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet

from core.errors import NotFound
from core.principals import LOCAL
from models import apps as stored_apps
from models import database
from models.tables import App, AuditEntry, SigningSecret
from services.apps import apps
from services.apps.app_views import AppDefinition, AppView, TaskTypePolicy
from tests import statements
from tests.factories import CALLBACK_BASE_URL, NOON, GivenSystem, given_system, in_threads

OTHER_URL = "http://127.0.0.1:10"


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    given = given_system()
    apps.put(LOCAL, given, "app_a", CALLBACK_BASE_URL, {})
    return given


def overtaken_by(change: Callable[[App], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit a change to an app, as another request would, after it was read and before it is locked."""
    lock = stored_apps.lock

    def overtaken(app: App) -> App | None:
        change(app)
        return lock(app)

    monkeypatch.setattr(stored_apps, "lock", overtaken)


def with_breaker(view: AppView) -> AppDefinition:
    return AppDefinition(view.callback_base_url, view.task_types, destination_breaker=True)


def test_what_another_changed_a_moment_before_stays(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    overtaken_by(lambda app: stored_apps.redefine(app, OTHER_URL, None, NOON), monkeypatch)
    changed = apps.amend(LOCAL, system, "app_a", with_breaker)
    assert (changed.callback_base_url, changed.destination_breaker) == (OTHER_URL, True)


def test_an_app_that_another_deleted_a_moment_before_is_not_found(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    overtaken_by(stored_apps.delete_if_empty, monkeypatch)
    with pytest.raises(NotFound):
        apps.amend(LOCAL, system, "app_a", with_breaker)


def test_the_task_types_of_all_listed_apps_are_read_by_one_query_after_one_for_their_sizes(system: GivenSystem) -> None:
    apps.put(LOCAL, system, "app_b", None, {"print": TaskTypePolicy(max_retries=1), "fold": TaskTypePolicy()})
    with statements.noted() as sent:
        found, _ = apps.listed(LOCAL, None, 10)
    assert {one.name: sorted(one.task_types) for one in found} == {"app_a": [], "app_b": ["fold", "print"]}
    assert sum("app_task_types" in sql for sql, _ in sent) == 2


def test_an_app_that_two_put_at_once_is_made_once(store: str) -> None:
    system = given_system(secret_keys=Fernet.generate_key().decode())
    assert sorted(in_threads(2, lambda _: apps.put(LOCAL, system, "app_x", None, {})[1])) == [False, True]
    with database.reading():
        assert [one.action for one in AuditEntry.select()] == ["app.created"]
        assert SigningSecret.select().count() == 1
