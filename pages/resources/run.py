"""One run: where its time went, each of its attempts, what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from core.states import DEAD, LIVE, REPLAYABLE, RunStatus
from core.trace_context import TRACE_ID
from pages import clocks, examples, progress, receiver_words, rights, timeline, unkept_calls
from pages.page_request import Asked
from pages.resources import backfill
from pages.site import Site
from services.jobs import requested_runs
from services.messaging import broker as brokers
from services.reading import records
from services.reading.explaining import explanations
from services.reading.explaining.explanations import Explanation
from services.reading.failures import replays
from services.reading.records import WholeRun
from services.reading.snapshot import one_moment
from services.reading.statistics import durations, run_times
from services.reading.upcoming import next_calls
from services.reading.views import JobView, RunView
from services.task_types import registry

LINES = 200


class RunPage:
    """`/dashboard/runs/{run_id}`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, req: Request, resp: Response, run_id: UUID) -> None:
        """Show a run."""
        await self._site.show(req, resp, "run.html", lambda who: self.load(who, run_id))

    def load(self, who: Asked, run_id: UUID) -> dict[str, Any]:
        """Returns what the page shows of a run."""
        with one_moment():
            return self._read(who, run_id)

    def _read(self, who: Asked, run_id: UUID) -> dict[str, Any]:
        whole = records.whole_run(who.principal, run_id, LINES)
        run, attempts, held = whole.run, whole.attempts, whole.holds
        job = records.job(who.principal, run.job_id)
        next_at = next_calls.of_runs(self._site.system, [run]).get(run_id)
        may, why = rights.on_job(who.principal, job), self._explained(who, run)
        return {
            "run": run,
            "may": may,
            "shows_audit": rights.on_app(who.principal, job.app_id).change,
            "zone": clocks.of_job(job) or who.zone,
            "attempts": attempts,
            "unkept": unkept_calls.reasons(run, attempts, self._site.system.settings.calls_kept),
            "receiver_said": receiver_words.said(attempts[-1].answer) if attempts else "",
            "trace_url": self._trace_url(run),
            "lines": whole.lines,
            "progress": progress.of(run),
            "events": timeline.events(run, attempts, held, next_at),
            "next_at": next_at,
            "times": run_times.of_runs([run], who.now)[run_id],
            "answer": why.answer if why else "",
            "backfill": backfill.path_for(job, may, why),
            "usual": durations.of_job(who.principal, run.job_id),
            "spans": timeline.spans(run, attempts, held, who.now),
            "is_live": run.status in LIVE,
            **_replaying(whole, job),
            "data": records.data_of_run(who.principal, run_id) if run.status in REPLAYABLE else None,
            "neighbours": records.beside(who.principal, run_id),
            "commands": self._commands(run, job),
        }

    def _commands(self, run: RunView, job: JobView) -> dict[str, str]:
        """The run's commands: what would be refused is left out."""
        settings, path = self._site.system.settings, f"/api/runs/{run.id}"
        offered = {"Read it": examples.get(settings, path)}
        if run.status in LIVE:
            offered["Cancel"] = examples.post(settings, f"{path}/cancel")
        if requested_runs.can_be_done_again(run, job):
            body = {} if run.status in DEAD else {"again": True}
            offered["Replay"] = examples.post(settings, f"{path}/replay", body)
        return offered

    def _trace_url(self, run: RunView) -> str | None:
        """Returns where the run's trace is shown, if the installation says where traces are."""
        place = self._site.system.settings.trace_url
        return None if place is None else place.replace(TRACE_ID, run.trace_id)

    def _explained(self, who: Asked, run: RunView) -> Explanation | None:
        """Why the run did or did not happen, where it is the one that its job's instant leads to."""
        found = explanations.explain(who.principal, self._site.system, run.job_id, run.scheduled_for)
        return found if found.run_id == run.id else None


def _replaying(whole: WholeRun, job: JobView) -> dict[str, Any]:
    """Whether and how it can be replayed: a run that completed only on purpose, and not while one replays it.

    No run of a cancelled job can.
    """
    run = whole.run
    can_be_done_again = requested_runs.can_be_done_again(run, job)
    goes_on = any(one.finished_at is None for one in whole.replays)
    return {
        "replays": whole.replays,
        "may_replay": run.status in DEAD and can_be_done_again and replays.is_open(whole.replays),
        "may_replay_with_data": not goes_on and can_be_done_again,
        "is_completed": run.status is RunStatus.COMPLETED,
        "calls_over_http": registry.queue_of(run.task_type) == brokers.RUNS_HTTP,
    }
