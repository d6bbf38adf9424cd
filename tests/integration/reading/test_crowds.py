"""Whom a crowd of other accounts holds back: who runs, who waits and since when, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.principals import LOCAL
from services.apps import apps
from services.reading.statistics import account_usage
from services.reading.statistics.account_usage import UsageOrder
from tests.factories import GivenSystem, claim
from tests.integration.execution.limiting import create
from tests.integration.reading.statistics.usage import SOMEBODY, names, of, used


def test_what_runs_and_since_when_the_oldest_waits_is_told(system: GivenSystem) -> None:
    create(system, 2, account_id="acme")
    assert len(claim(system, 1)) == 1
    create(system, account_id="globex")
    assert len(claim(system, 1)) == 1
    first = system.clock.now()
    system.clock.advance(60)
    create(system, account_id="globex")
    found = {one.account_id: one for one in used(system)}
    assert sum(one.running for one in found.values()) == 2
    assert found["globex"].running == 1
    acme = found["acme"]
    assert (acme.running, acme.waiting, acme.oldest_due_at) == (1, 1, first)
    assert used(system, SOMEBODY) == []


def test_no_crowd_hides_an_account_that_waits_for_a_worker(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_usage, "MAX_WAITING", 2)
    apps.ensure(LOCAL, system, "app_b")
    create(system, 4, account_id="crowd")
    system.clock.advance(60)
    for priority in (2, 9):
        create(system, account_id="alone", priority=priority)
        system.clock.advance(1)
    create(system, account_id="theirs", app_name="app_b")
    create(system, 2, app_name="jobs")  # all of a shared app are one party
    found = {one.account_id: one for one in used(system, order=UsageOrder.WAITED)}
    assert found.keys() >= {"crowd", "alone", "theirs"}
    alone = found["alone"]
    assert (alone.waiting, alone.oldest_due_at) == (2, system.clock.now() - timedelta(seconds=2))
    assert found["crowd"].waiting == 4
    assert names(used(system, order=UsageOrder.WAITED))[0] == "crowd"
    assert names(used(system, of(system, "app_b"))) == ["theirs"]
