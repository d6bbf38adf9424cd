"""The installation that a demo keeps has in it what its guide leads to."""

from __future__ import annotations

import itertools
import random
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

import pytest
import uuid_utils.compat

from core.auditing import AuditFilter
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL
from core.states import Hold, JobStatus, RunStatus
from local import demo_installation, demo_jobs, kept_demo
from local.demo_installation import History
from local.demo_receivers import ROWS, DemoReceiver, answered, seconds_now
from local.receiver import Entry
from models import breakers
from models.tables import Attempt, KeptCall, Run
from services.access import audit
from services.apps import apps
from services.reading import listing, waiting
from services.reading.counting import Counts
from services.reading.explaining import explanations
from services.reading.failures import failed_runs, failing_hosts
from settings import Settings
from tests.factories import NOON, GivenSystem

RECEIVER, DOWN = "http://127.0.0.1:20001", "http://localhost:20002"


@pytest.fixture
def same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo draws the same lots, and its rows have the same ids, each time."""
    first_millisecond, numbers = int(NOON.timestamp() * 1000), itertools.count()
    version, variant = 7 << 76, 0b10 << 62

    def uuid7() -> UUID:
        number = next(numbers)
        return UUID(int=first_millisecond + number << 80 | version | variant)

    monkeypatch.setattr(uuid_utils.compat, "uuid7", uuid7)
    monkeypatch.setattr(random, "sample", random.Random(1).sample)


@pytest.mark.usefixtures("same_each_time")
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_the_kept_demo_has_a_busy_day_in_it(system: GivenSystem) -> None:
    filled = demo_installation.fill(system.settings, NOON, RECEIVER, DOWN, History(days=1, busy_hours=1.5))
    guide = "\n".join(kept_demo.guide("http://here", filled))
    jobs = listing.jobs(LOCAL, Counts(system.clock), JobFilter(), NEWEST_FIRST, Stretch(limit=400)).items
    by_name = {job.name: job for job in jobs if job.name}

    why = explanations.explain(LOCAL, system, filled.jobs[demo_jobs.NIGHTLY], filled.not_run_at)
    assert why.run_status is RunStatus.SKIPPED
    assert "paused" in why.answer
    assert by_name[demo_jobs.DUNNING].status is JobStatus.PAUSED
    assert apps.get(LOCAL, "newsletter").paused_at is not None
    [breaker] = breakers.page(None, 10)
    [failing] = [one for one in failing_hosts.listed(LOCAL, system) if one.app_name == "crm"]
    assert breaker.host == failing.host == "localhost"
    assert failing.failing_since < breaker.opened_at < NOON, "it opens because calls fail"
    assert len({(job.app_name, job.account_id) for job in jobs}) > len({job.app_name for job in jobs}) == 5

    progress = Run.select().where(Run.job == filled.jobs[demo_jobs.STOCK], Run.status == RunStatus.COMPLETED)
    assert 0.58 < max(run.progress["done"] for run in progress) / ROWS < 0.62
    held = {one.held_by for one in waiting.grouped(LOCAL).groups if one.account_id == "globex"}
    assert Hold.RATE_LIMIT in held
    assert {"import_bank_file"} <= {one.task_type for one in failed_runs.grouped(LOCAL, system, 24).groups}
    assert not [one for one in Attempt.select() if "its limit" in (one.error_message or "")]
    assert KeptCall.select().count() == Attempt.select().count() > 0, "as real workers keep what they send"
    entries, _ = audit.listed(LOCAL, AuditFilter(), None, 50)
    assert {"job.edited", "job.paused", "app.paused"} <= {one.action for one in entries}
    for job_id in (demo_jobs.NIGHTLY, demo_jobs.STOCK, demo_jobs.SLOW):
        assert f"http://here/dashboard/jobs/{filled.jobs[job_id]}" in guide


def test_each_job_of_the_kept_demo_has_more_time_than_its_receiver_takes(tmp_path: Path) -> None:
    jobs = [*demo_jobs.of_the_week(NOON), *demo_jobs.of_the_day(NOON), demo_jobs.stock()]
    jobs += [demo_jobs.image(1, "acme", NOON), demo_jobs.exports(NOON)[0]]
    limit = Settings(data_dir=tmp_path).callback_time_limit_seconds
    short = {job.name for job in jobs if seconds_now(job.task_type) >= (job.time_limit_seconds or limit)}
    assert short == set()


def test_a_test_call_of_the_kept_demo_is_answered_at_once(tmp_path: Path) -> None:
    receiver = DemoReceiver(tmp_path)
    entry = Entry(NOON, "rebuild", {"x-carillon-test": "true"}, {})
    assert receiver.receive(entry)[0] is HTTPStatus.OK, "not after the 40 minutes that the work takes"


def test_the_receivers_of_the_kept_demo_answer_as_they_did_in_its_past() -> None:
    assert answered("import_bank_file", {})[0] is HTTPStatus.NOT_FOUND
    _, more = answered("import_stock", {"polling_state": {"last_row_index": ROWS - 1}})
    assert more["done"]
    assert answered("charge_cards", {}) == (HTTPStatus.OK, {"status": "success"})
