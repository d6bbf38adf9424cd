"""Which receivers fail now: by how the calls of each host ended, until one is answered well."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.errors import TransientFailure
from core.filters import JobFilter
from core.principals import LOCAL, Principal, PrincipalKind
from core.schedules import Cron
from models import calls, database, failing_calls
from services.apps import apps
from services.apps.app_views import TaskTypePolicy
from services.execution.work import Failed, Result
from services.jobs import creating, requested_runs
from services.reading.failures import failing_hosts
from services.task_types import http
from tests import statements
from tests.factories import NOON, GivenSystem, claim, new_job, record, refused, succeeded

REFUSED = Failed(TransientFailure("Connection refused"))
SOMEBODY = Principal(PrincipalKind.USER, uuid4(), "ada")


def made(system: GivenSystem, title: str, url: str, **more: Any) -> UUID:
    job = new_job(Cron("0 0 1 1 *"), title=title, callback_url=url, max_retries=3, retry_backoff_base=600.0, **more)
    return creating.create(LOCAL, system, job)


def run(system: GivenSystem, job_id: UUID, result: Result, called: str | None = None) -> None:
    requested_runs.trigger(LOCAL, system, job_id)
    [work] = claim(system)
    system.clock.advance(1)
    record(system, work, result)
    if called is not None:
        call = {"request": {"method": "POST", "url": called, "body": "x" * 10_000}}
        with database.transaction():
            calls.insert([(work.run_id, work.attempt, json.dumps(call, separators=(",", ":")))])


def test_a_host_fails_from_its_first_failed_attempt_until_it_answers_well(system: GivenSystem) -> None:
    contacts, deals = (made(system, title, "https://crm.example.com/run") for title in ("Contacts", "Deals"))
    other = made(system, "Bank", "https://bank.example.com/run")
    run(system, contacts, succeeded())
    run(system, contacts, REFUSED)  # is tried again in a while: it has not failed for good
    run(system, deals, REFUSED)
    run(system, other, refused(404))  # an answer, though a bad one
    [host] = failing_hosts.listed(LOCAL, system)
    assert (host.host, host.app_name, host.failures, host.message) == (
        "crm.example.com",
        "app_a",
        2,
        "Connection refused",
    )
    assert (host.last_success_at, host.failing_since) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=1))
    assert {one.job_title for one in host.jobs} == {"Contacts", "Deals"}
    assert failing_hosts.listed(SOMEBODY, system) == []
    assert failing_hosts.listed(LOCAL, system, JobFilter(app_name="other")) == []
    run(system, deals, succeeded())
    assert failing_hosts.listed(LOCAL, system) == []


def test_a_server_error_is_a_failing_receiver_and_one_that_never_answered_has_no_last_success(
    system: GivenSystem,
) -> None:
    job_id = made(system, "Contacts", "http://[::1]:8080/run")
    run(system, job_id, Failed(TransientFailure("503", status_code=503)))
    run(system, job_id, Failed(TransientFailure("429", status_code=429)))
    [host] = failing_hosts.listed(LOCAL, system)
    assert (host.host, host.failures, host.last_success_at) == ("[::1]", 1, None)


def test_a_host_that_answers_other_jobs_of_the_app_is_up(system: GivenSystem) -> None:
    slow, well, other = (
        made(system, title, f"https://{host}.example.com/run")
        for title, host in (("Slow", "crm"), ("Well", "crm"), ("Bank", "bank"))
    )
    run(system, well, succeeded())
    run(system, slow, REFUSED)
    run(system, other, succeeded())
    [host] = failing_hosts.listed(LOCAL, system)
    assert host.answered_others_at is None, "it answered before, and another host did since"
    answered_at = system.clock.now()
    run(system, well, succeeded())
    [host] = failing_hosts.listed(LOCAL, system)
    assert (host.host, host.answered_others_at) == ("crm.example.com", answered_at)
    assert [one.job_title for one in host.jobs] == ["Slow"]


def test_a_success_of_an_app_with_few_jobs_is_found_behind_those_of_a_busy_one(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, well = (made(system, title, "https://crm.example.com/run") for title in ("Slow", "Well"))
    busy = made(system, "Busy", "https://bank.example.com/run", app_name="app_b")
    run(system, slow, REFUSED)
    answered_at = system.clock.now()
    run(system, well, succeeded())
    run(system, well, refused(404))
    run(system, busy, succeeded())
    monkeypatch.setattr(failing_hosts, "MAX_READ", 1)
    for fitting in (JobFilter(), JobFilter(app_name="app_a"), JobFilter(account_id="acc1")):
        assert [one.answered_others_at for one in failing_hosts.listed(LOCAL, system, fitting)] == [answered_at]


def test_successes_of_an_app_with_many_jobs_are_looked_for_in_a_bounded_number_of_runs(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, well = (made(system, title, "https://crm.example.com/run") for title in ("Slow", "Well"))
    run(system, slow, REFUSED)
    run(system, well, succeeded())
    run(system, well, refused(404))
    monkeypatch.setattr(failing_calls, "FEW_JOBS", 1)
    assert _answered_others(system)
    [host] = failing_hosts.listed(LOCAL, system, JobFilter(account_id="acc1"))
    assert host.answered_others_at is not None
    since = NOON - timedelta(hours=1)
    for fitting in (JobFilter(account_id="acc2"), JobFilter(app_name="app_b")):
        assert failing_calls.succeeded(fitting, ["app_a", "app_b"], since, 500) == []
    monkeypatch.setattr(failing_calls, "ENDED_READ", 1)
    assert not _answered_others(system)


def test_each_call_counts_for_the_host_that_it_went_to(system: GivenSystem) -> None:
    job_id = made(system, "Contacts", "https://now.example.com/run")
    run(system, job_id, REFUSED, "https://before.example.com/" + "a" * 1_000)
    run(system, job_id, REFUSED, 'https://b\u00fccher.example.com/"quoted"')
    run(system, job_id, REFUSED)  # not kept: it went where the job says
    found = {one.host: one.failures for one in failing_hosts.listed(LOCAL, system)}
    assert found == {"before.example.com": 1, "bücher.example.com": 1, "now.example.com": 1}


def test_a_job_s_data_is_read_once_and_only_where_no_call_was_kept(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    data: dict[str, Any] = {"url": "https://api.example.com/", "method": "POST", "body": "\u0000"}
    job_id = creating.create(LOCAL, system, new_job(Cron("0 0 1 1 *"), task_type=http.KEY, data=data, max_retries=3))
    run(system, job_id, REFUSED, data["url"])
    run(system, job_id, REFUSED, data["url"])
    assert (_hosts(system), _readings_of_data(system)) == ({"api.example.com"}, 0)
    run(system, job_id, REFUSED)
    run(system, job_id, REFUSED)
    assert (_hosts(system), _readings_of_data(system)) == ({"api.example.com"}, 1)
    monkeypatch.setattr(failing_calls, "_MAX_DATA_BYTES", 10)
    assert _readings_of_data(system) == 0


def test_a_request_of_an_app_that_is_too_long_to_read_counts_for_no_host(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {"url": "https://api.example.com/", "method": "POST"}
    apps.put(LOCAL, system, "app_a", "https://elsewhere.example.com", {"greet": TaskTypePolicy(request=request)})
    run(system, creating.create(LOCAL, system, new_job(Cron("0 0 1 1 *"), max_retries=3)), REFUSED)
    assert _hosts(system) == {"api.example.com"}
    monkeypatch.setattr(failing_calls, "_MAX_DATA_BYTES", 10)
    assert _hosts(system) == set()


def test_where_many_calls_are_read_one_reading_serves_for_some_seconds(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(system, made(system, "Contacts", "https://crm.example.com/run"), REFUSED)
    hosts = failing_hosts.FailingHosts(system)
    monkeypatch.setattr(failing_hosts, "MANY", 1)
    assert [one.host for one in hosts.of(LOCAL)] == ["crm.example.com"]
    with statements.noted() as sent:
        assert [one.host for one in hosts.of(LOCAL)] == ["crm.example.com"]
    assert not sent
    assert hosts.of(SOMEBODY) == []
    monkeypatch.setattr(failing_hosts, "MANY", 2)
    with statements.noted() as sent:
        hosts.of(LOCAL)
    assert sent
    run(system, made(system, "Deals", "https://crm.example.com/run"), succeeded())
    monkeypatch.setattr(failing_hosts, "MANY", 1 + 1)  # calls that succeeded count, too
    hosts = failing_hosts.FailingHosts(system)
    hosts.of(LOCAL)
    with statements.noted() as sent:
        hosts.of(LOCAL)
    assert not sent


def _answered_others(system: GivenSystem) -> bool:
    [host] = failing_hosts.listed(LOCAL, system)
    return host.answered_others_at is not None


def _hosts(system: GivenSystem) -> set[str]:
    return {one.host for one in failing_hosts.listed(LOCAL, system)}


def _readings_of_data(system: GivenSystem) -> int:
    with statements.noted() as sent:
        failing_hosts.listed(LOCAL, system)
    return sum(len(params) for sql, params in sent if re.search(r'^SELECT "t1"."id", "t1"."data"', sql))
