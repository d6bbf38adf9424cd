"""The web application, where its parts meet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import falcon.asgi
from falcon.routing import UUIDConverter

from api import errors, openapi
from api.guard import Guard
from api.middleware import RequestIds, SecurityHeaders
from api.resources import (
    apps,
    bulk_actions,
    docs,
    explanations,
    health,
    installation,
    jobs,
    new_jobs,
    one_job,
    polling_states,
    repeating,
    runs,
    schedules,
    statistics,
    upcoming,
    workers,
)
from api.threads import Threads
from services import jobs as intents
from services.counting import Counts
from services.system import System

App = falcon.asgi.App[Any, Any]


class CanonicalId(UUIDConverter):
    """Takes an id in the one form that we give it out in: a path means one thing, and is fit for a header."""

    def convert(self, value: str) -> UUID | None:
        found = super().convert(value)
        return found if found is not None and str(found) == value.lower() else None


def create_app(system: System, broker_is_up: Callable[[], bool], shutting_down: threading.Event) -> App:
    """The web application over these parts. Nothing connects, and no thread starts, before the first request."""
    threads = Threads(system.settings.web_threads)
    app: App = falcon.asgi.App(middleware=[RequestIds(), SecurityHeaders(), Guard(system.settings), threads])
    app.req_options.strip_url_path_trailing_slash = True
    app.router_options.converters["uuid"] = CanonicalId
    errors.install(app)
    _route_api(app, system, threads)
    _route_control(app, system, threads)
    app.add_route("/healthz", health.Healthz())
    app.add_route("/readyz", health.Readyz(system, threads, broker_is_up, shutting_down))
    _route_docs(app, system, threads)
    return app


def _route_api(app: App, system: System, threads: Threads) -> None:
    counts = Counts(system.clock)
    app.add_route("/api/jobs", jobs.Jobs(threads, counts))
    app.add_route("/api/jobs/create", new_jobs.NewJobs(system, threads))
    app.add_route("/api/jobs/bulk", new_jobs.ManyNewJobs(system, threads))
    app.add_route("/api/jobs/stats", statistics.StatisticsOfJobs(threads))
    app.add_route("/api/jobs/actions", bulk_actions.ActionsOnJobs(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}", one_job.OneJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/status", jobs.JobStatuses(threads))
    app.add_route("/api/jobs/{job_id:uuid}/next", jobs.NextOfJob(threads))
    app.add_route("/api/jobs/{job_id:uuid}/runs", runs.RunsOfJob(threads, counts))
    app.add_route("/api/jobs/{job_id:uuid}/executions", runs.ExecutionsOfJob(threads))
    app.add_route("/api/jobs/{job_id:uuid}/cancel", jobs.Cancel(system, threads, intents.cancel))
    app.add_route("/api/jobs/{job_id:uuid}/pause", jobs.Pause(system, threads, intents.pause))
    app.add_route("/api/jobs/{job_id:uuid}/resume", jobs.Resume(system, threads, intents.resume))
    app.add_route("/api/runs", runs.Runs(threads, counts))
    app.add_route("/api/jobs/{job_id:uuid}/why", explanations.WhyOfJob(system, threads))
    app.add_route("/api/runs/{run_id:uuid}", runs.OneRun(threads))
    app.add_route("/api/stats/series", statistics.MinuteSeries(system, threads))
    app.add_route("/api/upcoming", upcoming.UpcomingRuns(system, threads))
    app.add_route("/api/workers", workers.AllWorkers(system, threads))
    app.add_route("/api/apps/{name}", apps.OneApp(system, threads))
    app.add_route("/api/apps/{name}/pause", apps.PauseOfApp(system, threads))
    app.add_route("/api/apps/{name}/resume", apps.ResumptionOfApp(system, threads))
    app.add_route("/api/installation", installation.OneInstallation(threads))
    app.add_route("/api/installation/pause", installation.PauseOfEverything(system, threads))
    app.add_route("/api/installation/resume", installation.ResumptionOfEverything(system, threads))
    app.add_route("/api/schedules/preview", schedules.Previews(system, threads))


def _route_control(app: App, system: System, threads: Threads) -> None:
    app.add_route("/api/jobs/{job_id:uuid}/trigger", repeating.TriggerOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/retry", repeating.RetryOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/backfill", repeating.BackfillOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/polling-states", polling_states.StatesOfJob(threads))
    app.add_route("/api/jobs/{job_id:uuid}/rewind", polling_states.RewindOfJob(system, threads))
    app.add_route("/api/runs/replay", bulk_actions.ReplaysOfRuns(system, threads))
    app.add_route("/api/runs/{run_id:uuid}/replay", repeating.ReplayOfRun(system, threads))
    app.add_route("/api/runs/{run_id:uuid}/cancel", repeating.CancelOfRun(system, threads))


def _route_docs(app: App, system: System, threads: Threads) -> None:
    app.add_route("/", docs.Root())
    app.add_route("/swagger", docs.SwaggerPage())
    app.add_route("/swagger/{file}", docs.SwaggerAsset(threads))
    spec = openapi.document(app, secret_needed=not system.settings.anonymous)
    app.add_route("/openapi.json", docs.OpenApi(spec))
