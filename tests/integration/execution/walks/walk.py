"""A random walk: steps drawn from a seed, each done to the database and compared with what must have come of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from core.errors import CarillonError
from core.policies import Overlap
from core.principals import LOCAL
from core.states import ENDED, LIVE, REPLAYABLE
from services.apps import apps
from services.execution import recording, reports, workers
from services.execution.reports import Sender
from services.execution.rotation import Rotation
from services.execution.work import Succeeded, Work
from services.jobs import creating, definition, editing, polling_states
from services.jobs.definition import Definition
from services.maintenance import rescues
from services.reading.views import JobView
from services.scheduling import dispatching, pauses, planning, stored_schedule
from tests.factories import CALLBACK_BASE_URL, claim, given_system, new_job, stored_job
from tests.integration.execution.walks import claiming, menu, standing
from tests.integration.execution.walks import rows as stored
from tests.integration.execution.walks.decisions import Decisions, End, told
from tests.integration.execution.walks.following import REPORT_LEASE, REPORT_LIMIT, rows_after
from tests.integration.execution.walks.rows import Rows

MAX_JOBS = 12  # that have not ended, so that steps meet each other
MAX_GROUP = 8
UNDER_WAY = 0.7  # of the reports
APPS = ("app_a", "app_b")

Picked = TypeVar("Picked")


class Walk:
    """One database, and all that may be done to it."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.system = given_system(
            account_rate=self.draw.choice(menu.RATES),
            max_concurrent_runs=self.draw.choice(menu.MAX_AT_ONCE),
            retry_backoff_base=2.0,
            report_lease_seconds=REPORT_LEASE.total_seconds(),
            report_limit_seconds=REPORT_LIMIT.total_seconds(),
        )
        self.workers = [workers.register(self.system) for _ in range(2)]
        self.rotation = Rotation()
        self.works: list[Work] = []  # all that were ever claimed
        self.expected: Rows | None = None  # None where only the standing rules tell what must be
        self.starts = standing.Starts()
        self.journal: list[str] = []
        for app in APPS:
            apps.put(LOCAL, self.system, app, CALLBACK_BASE_URL, {})
        for _ in range(MAX_JOBS // 2):
            self.create()
        self.rows = stored.read()

    def step(self) -> None:
        """Do one thing, and look whether all is as it must be."""
        possible = {act: weight for act, weight, may_matter in self._steps() if may_matter}
        [act] = self.draw.choices([*possible], [*possible.values()])
        self.journal.append(act.__name__)
        self.expected = None
        act()
        before, self.rows = self.rows, stored.read()
        if self.expected is not None:
            stored.assert_alike(self.rows, self.expected)
        self.starts.follow(before, self.rows)
        self.starts.assert_counted(self.rows)
        standing.assert_all(before, self.rows, self.system.settings, stored.kept_attempts(), stored.holds())

    def _steps(self) -> list[tuple[Callable[[], object], int, object]]:
        """Every step, how often it is drawn, and whether it may matter now."""
        claimable = claiming.claimable(self.rows, self.system.clock.now())
        at_work, jobs = self._at_work(), [job for job in self.rows.jobs.values() if job["state"] not in ENDED]
        return [
            (self.claim, 12, claimable),
            (self.hand_in, 12, at_work),
            (self.hand_in_late, 3, self.works),
            (self.renew, 2, at_work),
            (self.rescue, 2, at_work),
            (self.report, 5, self.works),
            (self.report_heartbeat, 3, at_work),
            (self.let_time_pass, 6, jobs),
            (self.plan, 3, jobs),
            (self.make_due, 10, jobs),
            (self.look_after, 4, jobs),
            (self.create, 6, len(jobs) < MAX_JOBS),
            (self.change_run, 3, self.rows.runs),
            (self.change_job, 5, self.rows.jobs),
            (self.rewind, 5, jobs),
            (self.edit, 3, jobs),
            (self.pause, 1, not self.rows.paused_apps),
            (self.resume, 8, self.rows.paused_apps),
        ]

    def claim(self) -> None:
        now, most = self.system.clock.now(), self.draw.randint(1, MAX_GROUP)
        worker = self.draw.choice(self.workers)
        foretold = claiming.let_go(
            self.rows, self.system.settings, now, most, rotation=self.rotation, worker_id=worker.id
        )
        works = claim(self.system, most, worker, self.rotation)
        assert {work.run_id for work in works} == foretold.taken
        self.works += works
        self.expected = claiming.rows_after(self.rows, stored.read(), works, foretold.put_back, now)

    def hand_in(self) -> None:
        """Record how attempts under way ended, some of them twice."""
        at_work = self._at_work()
        self._hand_in(at_work, self.draw.randint(1, min(MAX_GROUP, len(at_work) + 1)))

    def hand_in_late(self) -> None:
        """Record how attempts ended whose run is another's by now, or has ended."""
        running = {run["id"]: run["fence"] for run in self.rows.running()}
        outlived = [work for work in self.works if running.get(work.run_id, work.fence) != work.fence]
        self._hand_in(outlived or self.works, self.draw.randint(1, 3))

    def renew(self) -> None:
        worker = self.draw.choice(self.workers)
        told = workers.renew(self.system, worker, {work.run_id: work.fence for work in self.works})
        self.expected = self.rows.copy()
        of_worker = [run for run in self.expected.running() if run["worker_id"] == worker.id]
        held = [run for run in of_worker if run["reports_until"] is None]
        for run in held:
            run["lease_expires_at"] = self.system.clock.now() + claiming.LEASE
        assert told.runs == {run["id"]: run["cancel_requested_at"] is not None for run in held}

    def rescue(self) -> None:
        now = self.system.clock.now()
        expired = [run for run in self.rows.running() if run["lease_expires_at"] < now]
        expired.sort(key=lambda run: (run["lease_expires_at"], run["id"]))
        policies = {work.run_id: work.policy for work in self.works}
        decisions = self._decisions()
        ends = [decisions.of_loss(run, policies[run["id"]]) for run in expired]
        rescues.rescue(self.system)
        self.expected = rows_after(decisions, ends, turns=False)

    def report(self) -> None:
        work, report = self._some_work(), self.draw.choice(menu.REPORTS)
        report = menu.fitting(work, report)
        decisions = self._decisions()
        end = decisions.of_report(work, report)
        with self._may_be_refused():
            if isinstance(report, Succeeded):
                reports.complete(self.system, _sender(work), report.result, report.poll)
            else:
                reports.fail(self.system, _sender(work), report.error)
        self.expected = rows_after(decisions, [] if end is None else [end])
        of_attempt = self.expected.attempts[work.run_id, work.attempt]
        of_attempt["report"] = stored.read().attempts[work.run_id, work.attempt]["report"]

    def report_heartbeat(self) -> None:
        work, seconds = self._some_work(), self.draw.choice([None, 5.0, 150.0])
        expected = self.rows.copy()
        run, attempt = expected.runs[work.run_id], expected.attempts[work.run_id, work.attempt]
        until = self.system.clock.now() + (REPORT_LEASE if seconds is None else timedelta(seconds=seconds))
        if attempt["finished_at"] is None and run["reports_until"] is None:
            run["report_lease_at"] = until
        elif attempt["finished_at"] is None:
            run["lease_expires_at"] = min(until, run["reports_until"])
        with self._may_be_refused():
            reports.heartbeat(self.system, _sender(work), seconds)
        self.expected = expected

    # --- Time and what it brings -------------------------------------------------------------------------

    def let_time_pass(self) -> None:
        self.system.clock.advance(self.draw.choice(menu.SECONDS))
        self.expected = self.rows

    def plan(self) -> None:
        while planning.plan(self.system):
            pass

    def make_due(self) -> None:
        dispatching.make_due(self.system, [run_id for run_id, _ in dispatching.due_soon(self.system)])

    def look_after(self) -> None:
        """Make one of the coordinator's other passes."""
        self.draw.choice(menu.PASSES)(self.system)

    # --- What users do -----------------------------------------------------------------------------------

    def create(self) -> None:
        job = new_job(
            self.draw.choice(menu.SCHEDULES),
            overlap=self.draw.choice([*Overlap]),
            max_retries=self.draw.choice([0, 1, 7]),
            priority=self.draw.choice([0, 5]),
            account_id=self.draw.choice(["acc1", "acc2"]),
            app_name=self.draw.choice(APPS),
            **self.draw.choice(menu.DEADLINES),
        )
        creating.create(LOCAL, self.system, job)

    def change_run(self) -> None:
        """Cancel a run, or replay one."""
        worth = [run_id for run_id, run in self.rows.runs.items() if self._is_worth_it(run)]
        self._try(self.draw.choice(menu.CHANGES_OF_RUN), self._some(worth))

    def change_job(self) -> None:
        self._try(self.draw.choice(menu.CHANGES_OF_JOB), self._some([*self.rows.jobs]))

    def rewind(self) -> None:
        polling = [job_id for job_id, job in self.rows.jobs.items() if job["polling_state"] is not None]
        under_way = [run["job"] for run in self.rows.running() if run["job"] in polling]
        self._try(partial(polling_states.rewind, version=self.draw.randint(0, 1)), self._some(under_way or polling))

    def edit(self) -> None:
        change = self.draw.choice(menu.EDITS)
        live = [job_id for job_id, job in self.rows.jobs.items() if job["state"] not in ENDED]

        def edit(who: Any, system: Any, job_id: UUID) -> None:
            def amend(view: JobView) -> Definition:
                return replace(definition.of(stored_job(job_id), view.tags), **change)

            editing.edit(who, system, job_id, amend)

        self._try(edit, self._some(live))

    def pause(self) -> None:
        """Pause an app, or everything."""
        app = self.draw.choice([*APPS, None])
        if app is None:
            pauses.pause_everything(LOCAL, self.system)
        else:
            self._try(pauses.pause_app, app)

    def resume(self) -> None:
        pauses.resume_everything(LOCAL, self.system)
        for name in APPS:
            pauses.resume_app(LOCAL, self.system, name)

    # --- Helpers -----------------------------------------------------------------------------------------

    def _hand_in(self, works: Sequence[Work], most: int) -> None:
        chosen = self.draw.choices(works, k=most)
        group = [(work, menu.fitting(work, self.draw.choice(menu.RESULTS))) for work in chosen]
        decisions = self._decisions()
        ends: list[End | None] = []
        for work, result in group:
            is_double = any(end is not None and end.run_id == work.run_id for end in ends)
            ends.append(None if is_double else decisions.of_result(work, result))
        record: Any = self.draw.choice([recording.record, recording.record_what_is_free])
        outcome = record(self.system, group)
        assert [told(one) for one in outcome] == [end and end.told for end in ends]
        self.expected = rows_after(decisions, [end for end in ends if end is not None])

    def _try(self, act: Callable[..., object], what: object) -> None:
        if what is not None:
            with self._may_be_refused():
                act(LOCAL, self.system, what)

    @contextmanager
    def _may_be_refused(self) -> Iterator[None]:
        """What is refused changes nothing."""
        try:
            yield
        except CarillonError:
            self.expected = self.rows

    def _is_worth_it(self, run: Any) -> bool:
        return run["status"] in LIVE or run["status"] in REPLAYABLE

    def _at_work(self) -> list[Work]:
        """The claims under whose fence a run is running."""
        running = {run["id"]: run["fence"] for run in self.rows.running()}
        return [work for work in self.works if running.get(work.run_id) == work.fence]

    def _some_work(self) -> Work:
        """A claim: more often one under way than any."""
        at_work = self._at_work()
        return self.draw.choice(at_work if at_work and self.draw.random() < UNDER_WAY else self.works)

    def _some(self, found: Sequence[Picked]) -> Picked | None:
        return self.draw.choice(found) if found else None

    def _decisions(self) -> Decisions:
        schedules = {job_id: stored_schedule.read(job["schedule"]) for job_id, job in self.rows.jobs.items()}
        return Decisions(self.rows, schedules, self.system.clock.now())


def _sender(work: Work) -> Sender:
    return Sender(work.run_id, work.report_token)
