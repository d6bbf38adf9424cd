"""Open alerts: jobs that fail each time or are late, until they recover; and counts that agree with lists."""

from __future__ import annotations

from uuid import UUID, uuid4

from core import schedules
from core.alerting import FAILURES_IN_ROW, AlertKind
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL, Principal, PrincipalKind
from core.states import JobStatus
from services.jobs import creating, requested_runs
from services.reading import listing
from services.reading.counting import Counts
from services.reading.failures import open_alerts
from services.reading.statistics import job_statistics
from tests.factories import GivenSystem, claim, failed, new_job, record, refused, succeeded

SOMEBODY = Principal(PrincipalKind.USER, uuid4(), "ada")


def run(system: GivenSystem, job_id: UUID, result: object) -> None:
    requested_runs.trigger(LOCAL, system, job_id)
    [work] = claim(system)
    record(system, work, result)  # type: ignore[arg-type]


def test_a_job_is_in_alert_from_the_fifth_failure_in_a_row_until_it_succeeds(system: GivenSystem) -> None:
    job_id = creating.create(LOCAL, system, new_job(schedules.Cron("0 0 1 1 *"), title="Import bank file"))
    for _ in range(FAILURES_IN_ROW - 1):
        run(system, job_id, refused(404))
    assert open_alerts.listed(LOCAL).results == []
    run(system, job_id, refused(404))
    [found] = open_alerts.listed(LOCAL).results
    assert (found.kind, found.job_title, found.failures_in_row) == (AlertKind.FAILING, "Import bank file", 5)
    assert open_alerts.listed(LOCAL, JobFilter(app_name="other")).results == []
    assert open_alerts.listed(SOMEBODY).results == []
    run(system, job_id, succeeded())
    assert open_alerts.listed(LOCAL).results == []


def test_the_count_of_each_status_is_how_many_its_list_has(system: GivenSystem) -> None:
    creating.create(LOCAL, system, new_job(schedules.DelayFromNow(60)))
    creating.create(LOCAL, system, new_job())
    [again] = claim(system)
    record(system, again, failed())
    for _ in range(3):
        creating.create(LOCAL, system, new_job())
    claim(system, 1)
    counted = job_statistics.of_jobs(LOCAL, JobFilter())
    shown = {
        status: listing.jobs(
            LOCAL, Counts(system.clock), JobFilter(status=status), NEWEST_FIRST, Stretch(limit=10)
        ).count
        for status in JobStatus
    }
    assert shown[JobStatus.QUEUED] == counted.queued == 3
    assert shown[JobStatus.PENDING] == counted.pending - counted.queued == 1
    assert shown[JobStatus.RUNNING] == counted.running == 1
    assert counted.retrying == 1
