"""Which resource answers at which address."""

from __future__ import annotations

from functools import partial
from typing import Any

from api import account_routes
from api.creates import Creates
from api.http import App
from api.live.hub import Hub
from api.pools import Pools
from api.resources import (
    alerts,
    app_keys,
    app_pauses,
    app_senders,
    apps,
    archive,
    audit,
    breakers,
    bulk_actions,
    calendar,
    docs,
    events,
    explanations,
    failures,
    files,
    health,
    installation,
    jobs,
    limits,
    members,
    new_jobs,
    outbox,
    polling_states,
    quotas,
    repeating,
    reports,
    restores,
    runs,
    schedules,
    secrets,
    settings_in_force,
    signing_secrets,
    statistics,
    task_types,
    test_calls,
    upcoming,
    versions,
    waiting,
    workers,
)
from api.resources.health import Readyz
from api.sources.callbacks import channel as callback_updates
from api.sources.callbacks import resource as callbacks
from api.sources.commands import resource as tasks
from api.sources.cron_jobs import resource as scheduler_jobs
from api.sources.deadline_jobs import channel as deadline_updates
from api.sources.deadline_jobs import resource as deadline_jobs
from api.sources.typed_jobs import channel as statuses
from api.sources.typed_jobs import emails, uploads
from api.sources.typed_jobs import resource as typed_jobs
from api.threads import Threads
from services.access.wrong_secrets import WrongSecrets
from services.reading.counting import Counts
from services.runtime.metrics import Metrics
from services.system import System


def add(
    app: App,
    system: System,
    pools: Pools,
    creates: Creates,
    hub: Hub,
    *,
    wrong_secrets: WrongSecrets,
    readyz: Readyz,
    metrics: Metrics,
) -> None:
    """Add every route of the API."""
    threads, counts = pools.general, Counts(system.clock)
    _jobs(app, system, threads, counts, creates)
    _versions(app, system, threads)
    _runs(app, system, threads, counts)
    _actions_on_one(app, system, threads)
    _actions_on_many(app, system, pools.acting)
    _test_calls(app, system, pools.calling)
    _figures(app, system, threads)
    _apps(app, system, threads)
    _limits(app, system, threads)
    _secrets(app, system, threads)
    _installation(app, system, threads)
    _archive(app, system, pools.at_archive)
    _reports(app, system, threads, wrong_secrets)
    account_routes.add(app, system, pools)
    _sources(app, system, threads)
    _stored_files(app, system, threads, wrong_secrets)
    _live(app, hub)
    _docs(app, system, threads)
    _health(app, threads, readyz, metrics)


def _jobs(app: App, system: System, threads: Threads, counts: Counts, creates: Creates) -> None:
    app.add_route("/api/jobs", typed_jobs.Jobs(system, threads, counts))
    app.add_route("/api/jobs/create", new_jobs.NewJobs(system, threads, creates))
    app.add_route("/api/jobs/bulk", new_jobs.ManyNewJobs(system, threads))
    app.add_route("/api/jobs/types", task_types.TaskTypes(system))
    app.add_route("/api/jobs/upload-file", uploads.Uploads(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}", typed_jobs.OneJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/status", callbacks.JobStatuses(threads))
    app.add_route("/api/jobs/{job_id:uuid}/why", explanations.WhyOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/download-url", files.DownloadOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/next", jobs.NextOfJob(threads))
    app.add_route("/api/jobs/{job_id:uuid}/occurrences", calendar.OccurrencesOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/calendar", calendar.CalendarOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/polling-states", polling_states.StatesOfJob(threads))
    app.add_route("/api/schedules/preview", schedules.Previews(system, threads))


def _versions(app: App, system: System, threads: Threads) -> None:
    version = "/api/jobs/{job_id:uuid}/versions/{version:int}"
    app.add_route("/api/jobs/{job_id:uuid}/versions", versions.VersionsOfJob(threads))
    app.add_route(version, versions.VersionOfJob(threads))
    app.add_route(f"{version}/compare/{{other:int}}", versions.ComparisonOfVersions(threads))
    app.add_route(f"{version}/revert", versions.RevertOfJob(system, threads))


def _runs(app: App, system: System, threads: Threads, counts: Counts) -> None:
    app.add_route("/api/jobs/{job_id:uuid}/runs", runs.RunsOfJob(threads, counts))
    app.add_route("/api/jobs/{job_id:uuid}/executions", runs.ExecutionsOfJob(threads))
    app.add_route("/api/runs", runs.Runs(system, threads, counts))
    app.add_route("/api/runs/{run_id:uuid}", runs.OneRun(threads))
    app.add_route("/api/runs/{run_id:uuid}/log", runs.LogOfRun(threads))


def _actions_on_one(app: App, system: System, threads: Threads) -> None:
    """Add what is done to one job or run."""
    app.add_route("/api/jobs/{job_id:uuid}/cancel", jobs.CancelOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/pause", jobs.PauseOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/resume", jobs.ResumptionOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/trigger", repeating.TriggerOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/retry", repeating.RetryOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/backfill", repeating.BackfillOfJob(system, threads))
    app.add_route("/api/jobs/{job_id:uuid}/rewind", polling_states.RewindOfJob(system, threads))
    app.add_route("/api/runs/{run_id:uuid}/replay", repeating.ReplayOfRun(system, threads))
    app.add_route("/api/runs/{run_id:uuid}/cancel", repeating.CancelOfRun(system, threads))


def _actions_on_many(app: App, system: System, threads: Threads) -> None:
    app.add_route("/api/jobs/actions", bulk_actions.ActionsOnJobs(system, threads))
    app.add_route("/api/runs/actions", bulk_actions.ActionsOnRuns(system, threads))
    app.add_route("/api/runs/replay", bulk_actions.ReplaysOfRuns(system, threads))


def _figures(app: App, system: System, threads: Threads) -> None:
    """Add what is counted, and what somebody should look at."""
    app.add_route("/api/jobs/slow", statistics.SlowJobsOfAll(system, threads))
    app.add_route("/api/jobs/stats", statistics.StatisticsOfJobs(threads))
    app.add_route("/api/stats/accounts", statistics.UsageByAccount(system, threads))
    app.add_route("/api/stats/runs", statistics.FiguresOfAllRuns(system, threads))
    app.add_route("/api/stats/series", statistics.MinuteSeries(system, threads))
    app.add_route("/api/alerts", alerts.AllOpenAlerts(threads))
    app.add_route("/api/failures", failures.GroupedFailures(system, threads))
    app.add_route("/api/failures/hosts", failures.AllFailingHosts(system, threads))
    app.add_route("/api/waiting", waiting.WaitingRuns(system, threads))
    app.add_route("/api/upcoming", upcoming.UpcomingRuns(system, threads))


def _apps(app: App, system: System, threads: Threads) -> None:
    app.add_route("/api/apps", apps.AllApps(system, threads))
    app.add_route("/api/apps/{name}", apps.OneApp(system, threads))
    app.add_route("/api/apps/{name}/keys", app_keys.KeysOfApp(system, threads))
    app.add_route("/api/apps/{name}/keys/{key_id:uuid}", app_keys.OneKey(system, threads))
    app.add_route("/api/apps/{name}/members", members.MembersOfApp(threads))
    app.add_route("/api/apps/{name}/members/{username}", members.OneMember(system, threads))
    app.add_route("/api/apps/{name}/senders", app_senders.SendersOfApp(system, threads))
    app.add_route("/api/apps/{name}/quotas", quotas.AppsQuotas(system, threads))
    app.add_route("/api/apps/{name}/pause", app_pauses.PauseOfApp(system, threads))
    app.add_route("/api/apps/{name}/resume", app_pauses.ResumptionOfApp(system, threads))


def _limits(app: App, system: System, threads: Threads) -> None:
    """Add limits and breakers."""
    app.add_route("/api/limits", limits.AllLimits(system, threads))
    app.add_route("/api/limits/{key:path}", limits.OneLimit(system, threads))
    app.add_route("/api/breakers", breakers.AllBreakers(threads))
    app.add_route("/api/breakers/{key:path}", breakers.OneBreaker(system, threads))


def _installation(app: App, system: System, threads: Threads) -> None:
    app.add_route("/api/installation", installation.OneInstallation(threads))
    app.add_route("/api/installation/pause", installation.PauseOfEverything(system, threads))
    app.add_route("/api/installation/resume", installation.ResumptionOfEverything(system, threads))
    app.add_route("/api/installation/restore", restores.RestoreOfInstallation(system, threads))
    app.add_route("/api/installation/restore/release", restores.ReleaseOfRestore(system, threads))
    app.add_route("/api/workers", workers.AllWorkers(system, threads))
    app.add_route("/api/workers/{worker_id:uuid}/drain", workers.DrainOfWorker(system, threads))
    app.add_route("/api/processes", workers.OtherProcesses(system, threads))
    app.add_route("/api/settings", settings_in_force.SettingsOfProcess(system))
    app.add_route("/api/audit", audit.AuditLog(threads))
    app.add_route("/api/outbox", outbox.Outbox(system, threads))
    app.add_route("/api/outbox/{email_id:uuid}", outbox.EmailInOutbox(system, threads))


def _test_calls(app: App, system: System, threads: Threads) -> None:
    app.add_route("/api/jobs/{job_id:uuid}/test-call", test_calls.TestCallOfJob(system, threads))
    app.add_route("/api/apps/{name}/test-call", test_calls.TestCallOfApp(system, threads))


def _archive(app: App, system: System, threads: Threads) -> None:
    app.add_route("/api/archive", archive.Archive(system, threads))
    app.add_route("/api/archive/{day}", archive.ArchivedRunsOfDay(system, threads))
    app.add_route("/api/archive/runs/{run_id:uuid}", archive.OneArchivedRun(system, threads))


def _secrets(app: App, system: System, threads: Threads) -> None:
    app.add_route("/api/apps/{name}/secrets", secrets.SecretsOfApp(threads))
    app.add_route("/api/apps/{name}/secrets/{secret_name}", secrets.OneSecret(system, threads))
    signing = "/api/apps/{name}/signing-secrets"
    app.add_route(signing, signing_secrets.SigningSecretsOfApp(system, threads))
    app.add_route(f"{signing}/{{secret_id:uuid}}", signing_secrets.OneSigningSecret(system, threads))


def _sources(app: App, system: System, threads: Threads) -> None:
    parts = (system, threads, Counts(system.clock))
    app.add_route("/api/jobs/send-email", emails.NewEmails(system, threads))
    app.add_route("/api/tasks", tasks.Tasks(*parts))
    app.add_route("/api/tasks/{job_id:uuid}", tasks.OneTask(*parts))
    app.add_route("/scheduler/jobs", scheduler_jobs.SchedulerJobs(*parts))
    app.add_route("/scheduler/jobs/{job_id:uuid}", scheduler_jobs.OneSchedulerJob(*parts))
    app.add_route("/jobs/api/jobs", deadline_jobs.AllDeadlineJobs(*parts))
    app.add_route("/jobs/api/jobs/stats", deadline_jobs.DeadlineStatisticsOfJobs(*parts))
    app.add_route("/jobs/api/jobs/{job_id:uuid}", deadline_jobs.OneDeadlineJob(*parts))
    app.add_route("/jobs/api/jobs/{job_id:uuid}/executions", deadline_jobs.ExecutionsOfDeadlineJob(*parts))


def _stored_files(app: App, system: System, threads: Threads, wrong_secrets: WrongSecrets) -> None:
    app.add_route("/files/{name:path}", files.StoredFile(system, threads))
    app.add_route("/internal/spool/{upload_id:uuid}", files.SpooledFile(system, threads, wrong_secrets))


def _live(app: App, hub: Hub) -> None:
    app.add_route("/api/events", events.Events(hub))
    app.add_route("/ws/jobs/{job_id:uuid}", callback_updates.UpdatesOfJob(hub))
    app.add_route("/ws/jobs/status", statuses.StatusesOfJobs(hub))
    app.add_route("/ws/jobs", deadline_updates.UpdatesOfJobs(hub))


def _reports(app: App, system: System, threads: Threads, wrong_secrets: WrongSecrets) -> None:
    parts = (system, threads, wrong_secrets)
    app.add_route("/reports/{run_id:uuid}/heartbeat", reports.Heartbeats(*parts))
    app.add_route("/reports/{run_id:uuid}/log", reports.Logs(*parts))
    app.add_route("/reports/{run_id:uuid}/complete", reports.Completions(*parts))
    app.add_route("/reports/{run_id:uuid}/fail", reports.Failures(*parts))


def _docs(app: App, system: System, threads: Threads) -> None:
    app.add_route("/", docs.Root())
    app.add_route("/swagger", docs.SwaggerPage())
    app.add_route("/swagger/{file}", docs.SwaggerAsset(threads))
    app.add_route("/openapi.json", docs.OpenApi(threads, partial(_openapi_document, app, system)))


def _health(app: App, threads: Threads, readyz: Readyz, metrics: Metrics) -> None:
    app.add_route("/healthz", health.Healthz())
    app.add_route("/readyz", readyz)
    app.add_route("/metrics", health.MetricsPage(readyz, threads, metrics))


def _openapi_document(app: App, system: System) -> dict[str, Any]:
    from api import openapi_document  # noqa: PLC0415  see there

    return openapi_document.document(app, secret_needed=not system.settings.anonymous)
