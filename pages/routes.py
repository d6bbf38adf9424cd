"""Every page: its path, who answers it, and the operation of the API whose access it shares."""

from __future__ import annotations

from collections.abc import Callable

from pages import naming
from pages.middleware import HOME
from pages.resources import actions, many, queues, workers
from pages.resources.account_usage import AccountsPage
from pages.resources.app import AppPage
from pages.resources.apps import Apps
from pages.resources.audit import AuditPage
from pages.resources.backfill import BackfillPage
from pages.resources.breaker import BreakerPage
from pages.resources.bulk import BulkPage
from pages.resources.edit_job import EditJob
from pages.resources.failures import FailuresPage
from pages.resources.find import FindPage
from pages.resources.job import JobPage
from pages.resources.jobs import Jobs
from pages.resources.limits import LimitsPage
from pages.resources.logins import FORGOT, LOGIN, LOGOUT, REGISTER, RESET, LoginPage
from pages.resources.mine import ChangePassword, Mine
from pages.resources.new_job import NewJob
from pages.resources.outbox import OutboxPage
from pages.resources.overview import Overview, Signs
from pages.resources.people import People
from pages.resources.preferences import Preferences
from pages.resources.run import RunPage
from pages.resources.runs import RunsPage
from pages.resources.settings_in_force import SettingsPage
from pages.resources.task_types import TaskTypeForms
from pages.resources.tasks import Tasks
from pages.resources.test_call import TestCallPage
from pages.resources.upcoming import UpcomingPage
from pages.resources.upload import UploadPage, Uploads
from pages.resources.versions import VersionsPage
from pages.resources.views import ViewsPage
from pages.route import FOR_EVERYONE, Answer, Responder, Route, leading_to
from pages.site import Site
from services.jobs import lifecycle, run_actions

_LIST_JOBS = "GET /api/jobs"
_VERSION = "versions/{version:int}"
_CREATE_JOB = "POST /api/jobs/create"
_UPLOAD = "POST /api/jobs/upload-file"


def of_site(
    site: Site, signs: Signs, answering: Callable[[str], Responder], change_password: ChangePassword, uploads: Uploads
) -> list[Route]:
    """Returns the pages of a site. `answering` finds the API's responder for posts to a path."""
    new, upload = NewJob(site), UploadPage(site, uploads)
    return [
        Route("/dashboard/static/{name}", get=Answer(site.static.show, FOR_EVERYONE)),
        *_logins(site, answering),
        Route("/admin", get=Answer(leading_to(site.url(HOME)), FOR_EVERYONE)),
        Route("/dashboard", get=Answer(Overview(site, signs).show, "GET /api/jobs/stats")),
        *_lists(site),
        *_one_job(site),
        *_test_calls(site),
        *_tasks(site),
        *_failures(site),
        *_queues(site),
        *_apps(site),
        *_limits(site),
        *_account_usage(site),
        *_people(site),
        *_mine(site, change_password),
        Route("/dashboard/new", get=Answer(new.show, _CREATE_JOB), post=Answer(new.create, _CREATE_JOB)),
        Route("/dashboard/upload", get=Answer(upload.show, _UPLOAD), post=Answer(upload.upload, _UPLOAD)),
        Route("/dashboard/upcoming", get=Answer(UpcomingPage(site).show, "GET /api/upcoming")),
        Route("/dashboard/audit", get=Answer(AuditPage(site).show, "GET /api/audit")),
        *_workers(site),
        *_one_run(site),
        *_outbox(site),
        Route(
            "/dashboard/settings",
            get=Answer(SettingsPage(site).show, "GET /api/settings"),
            post=Answer(Preferences(site).keep, _LIST_JOBS),
        ),
    ]


def _test_calls(site: Site) -> list[Route]:
    page, of_job, of_app = TestCallPage(site), "jobs/{job_id:uuid}/test-call", "apps/{name}/test-call"
    return [
        Route(f"/dashboard/{of_job}", post=Answer(page.of_job, f"POST /api/{of_job}")),
        Route(f"/dashboard/{of_app}", post=Answer(page.of_app, f"POST /api/{of_app}")),
    ]


def _one_job(site: Site) -> list[Route]:
    page = JobPage(site)
    again = ("job.html", page.load)
    actions_on_job = {
        "trigger": actions.trigger(site, again),
        "pause": actions.pause(site, again),
        "resume": actions.on_job(site, lifecycle.resume, "resumed"),
        "cancel": actions.on_job(site, lifecycle.cancel, "cancelled"),
        "retry": actions.retry(site),
        "rewind": actions.rewind(site),
    }
    path, like = "/dashboard/jobs/{job_id:uuid}", "/api/jobs/{job_id:uuid}"
    edit, filling, history = EditJob(site), BackfillPage(site), VersionsPage(site)
    change, backfill = f"PUT {like}", f"POST {like}/backfill"
    return [
        Route(f"{path}/edit", get=Answer(edit.show, change), post=Answer(edit.edit, change)),
        Route(f"{path}/versions", get=Answer(history.show, f"GET {like}/versions")),
        Route(f"{path}/{_VERSION}/revert", post=Answer(history.revert, f"POST {like}/{_VERSION}/revert")),
        Route(f"{path}/backfill", get=Answer(filling.ask, backfill), post=Answer(filling.fill, backfill)),
        Route(path, get=Answer(page.show, f"GET {like}")),
        Route(f"{path}/delete", post=Answer(actions.delete(site), f"DELETE {like}")),
        Route(f"{path}/file", get=Answer(page.download, f"GET {like}/download-url")),
        *(Route(f"{path}/{name}", post=Answer(act, f"POST {like}/{name}")) for name, act in actions_on_job.items()),
    ]


def _one_run(site: Site) -> list[Route]:
    path, like = "/dashboard/runs/{run_id:uuid}", "/api/runs/{run_id:uuid}"
    cancel = actions.on_run(site, run_actions.cancel, "cancelled")
    page = RunPage(site)
    replay = actions.replay(site, ("run.html", page.load))
    return [
        Route(path, get=Answer(page.show, f"GET {like}")),
        Route(f"{path}/replay", post=Answer(replay, f"POST {like}/replay")),
        Route(f"{path}/cancel", post=Answer(cancel, f"POST {like}/cancel")),
    ]


def _tasks(site: Site) -> list[Route]:
    """The old addresses of the pages of commands."""
    page, like = Tasks(site), "/api/tasks/{job_id:uuid}"
    of_one = "/task/{job_id:uuid}"
    create, change, delete = "POST /api/tasks", f"PUT {like}", f"DELETE {like}"
    return [
        Route("/task/create", get=Answer(page.ask_new, create), post=Answer(page.create, create)),
        Route(of_one, get=Answer(page.show, f"GET {like}")),
        Route(f"{of_one}/update", get=Answer(page.ask_update, change), post=Answer(page.update, change)),
        Route(f"{of_one}/delete", get=Answer(page.ask_delete, delete), post=Answer(page.delete, delete)),
    ]


def _failures(site: Site) -> list[Route]:
    return [Route("/dashboard/failures", get=Answer(FailuresPage(site).show, "GET /api/failures"))]


def _outbox(site: Site) -> list[Route]:
    page, path, like = OutboxPage(site), "/dashboard/outbox", "/api/outbox"
    one = Route(f"{path}/{{email_id:uuid}}", get=Answer(page.show_one, f"GET {like}/{{email_id:uuid}}"))
    return [Route(path, get=Answer(page.show, f"GET {like}")), one]


def _lists(site: Site) -> list[Route]:
    runs, act_on_jobs, act_on_runs = "/dashboard/runs", "POST /api/jobs/actions", "POST /api/runs/actions"
    on_jobs, on_runs = BulkPage(site, many.of_jobs(site)), BulkPage(site, many.of_runs(site))
    views = ViewsPage(site)
    return [
        Route("/dashboard/views", post=Answer(views.save, "POST /api/views")),
        Route("/dashboard/views/delete", post=Answer(views.delete, "DELETE /api/views/{view_id:uuid}")),
        Route("/dashboard/find", get=Answer(FindPage(site).find, _LIST_JOBS)),
        Route("/dashboard/jobs", get=Answer(Jobs(site).show, _LIST_JOBS)),
        Route("/dashboard/jobs/actions", get=Answer(on_jobs.ask, act_on_jobs), post=Answer(on_jobs.act, act_on_jobs)),
        Route(runs, get=Answer(RunsPage(site).show, "GET /api/runs")),
        Route(f"{runs}/actions", get=Answer(on_runs.ask, act_on_runs), post=Answer(on_runs.act, act_on_runs)),
    ]


def _queues(site: Site) -> list[Route]:
    path, app, everything = "/dashboard/queues", "/api/apps/{name}", "/api/installation"
    return [
        Route(path, get=Answer(queues.Queues(site).show, "GET /api/waiting")),
        Route(naming.BREAKER_PATH, get=Answer(BreakerPage(site).show, "GET /api/breakers")),
        Route(f"{path}/close", post=Answer(queues.close_breaker(site), "DELETE /api/breakers/{key:path}")),
        Route("/dashboard/apps/{name}/pause", post=Answer(queues.pause_app(site), f"POST {app}/pause")),
        Route("/dashboard/apps/{name}/resume", post=Answer(queues.resume_app(site), f"POST {app}/resume")),
        Route(f"{path}/pause", post=Answer(queues.pause_everything(site), f"POST {everything}/pause")),
        Route(f"{path}/resume", post=Answer(queues.resume_everything(site), f"POST {everything}/resume")),
    ]


def _workers(site: Site) -> list[Route]:
    path, like = "/dashboard/workers/{worker_id:uuid}", "/api/workers/{worker_id:uuid}/drain"
    return [
        Route(workers.PATH, get=Answer(workers.Workers(site).show, "GET /api/workers")),
        Route(f"{path}/drain", post=Answer(workers.drain(site), f"POST {like}")),
        Route(f"{path}/undrain", post=Answer(workers.undrain(site), f"DELETE {like}")),
    ]


def _apps(site: Site) -> list[Route]:
    all_of_them, page, types = Apps(site), AppPage(site), TaskTypeForms(site)
    path, like = "/dashboard/apps/{name}", "/api/apps/{name}"
    acts = {
        "change": (page.change, f"PATCH {like}"),
        "task-types": (types.change, f"PATCH {like}"),
        "task-types/add": (types.add, f"PATCH {like}"),
        "task-types/remove": (types.remove, f"PATCH {like}"),
        "quotas": (page.put_quotas, f"PUT {like}/quotas"),
        "members": (page.put_member, f"PUT {like}/members/{{username}}"),
        "members/remove": (page.remove_member, f"DELETE {like}/members/{{username}}"),
        "keys/revoke": (page.revoke_key, f"DELETE {like}/keys/{{key_id:uuid}}"),
        "signing/delete": (page.delete_signing_secret, f"DELETE {like}/signing-secrets/{{secret_id:uuid}}"),
        "secrets": (page.put_secret, f"PUT {like}/secrets/{{secret_name}}"),
        "secrets/delete": (page.delete_secret, f"DELETE {like}/secrets/{{secret_name}}"),
    }
    return [
        Route(
            "/dashboard/apps",
            get=Answer(all_of_them.show, "GET /api/apps"),
            post=Answer(all_of_them.create, "POST /api/apps"),
        ),
        Route(path, get=Answer(page.show, f"GET {like}")),
        Route(f"{path}/delete", post=Answer(page.delete, f"DELETE {like}")),
        Route(f"{path}/keys", post=Answer(page.make_key, f"POST {like}/keys")),
        Route(f"{path}/signing", post=Answer(page.rotate, f"POST {like}/signing-secrets")),
        *(Route(f"{path}/{name}", post=Answer(page.responder(act), as_api)) for name, (act, as_api) in acts.items()),
    ]


def _limits(site: Site) -> list[Route]:
    page, path, like = LimitsPage(site), "/dashboard/limits", "/api/limits/{key:path}"
    return [
        Route(path, get=Answer(page.show, "GET /api/limits")),
        Route(f"{path}/of", get=Answer(page.show_one, f"GET {like}")),
        Route(f"{path}/put", post=Answer(page.put, f"PUT {like}")),
        Route(f"{path}/delete", post=Answer(page.delete, f"DELETE {like}")),
    ]


def _account_usage(site: Site) -> list[Route]:
    page, like = AccountsPage(site), "GET /api/stats/accounts"
    return [
        Route(naming.ACCOUNTS_PATH, get=Answer(page.show, like)),
        Route(f"{naming.ACCOUNTS_PATH}/of", get=Answer(page.show_one, like)),
    ]


def _people(site: Site) -> list[Route]:
    page, path, like = People(site), "/dashboard/people", "/api/users/{username}"
    acts = {
        "change": (page.change, f"PATCH {like}"),
        "end": (page.end, f"DELETE {like}/tokens"),
        "withdraw": (page.withdraw, "DELETE /api/invitations/{invitation_id:uuid}"),
    }
    return [
        Route(path, get=Answer(page.show, "GET /api/users")),
        Route(f"{path}/reset", post=Answer(page.reset, f"POST {like}/reset")),
        Route(f"{path}/invite", post=Answer(page.invite, "POST /api/invitations")),
        *(Route(f"{path}/{name}", post=Answer(page.responder(act), as_api)) for name, (act, as_api) in acts.items()),
    ]


def _mine(site: Site, change_password: ChangePassword) -> list[Route]:
    page, path, like = Mine(site, change_password), "/dashboard/mine", "/api/me/tokens"
    return [
        Route(path, get=Answer(page.show, f"GET {like}")),
        Route(f"{path}/tokens", post=Answer(page.make, f"POST {like}")),
        Route(f"{path}/revoke", post=Answer(page.revoke, f"DELETE {like}/{{token_id:uuid}}")),
        Route(f"{path}/password", post=Answer(page.change_password, "PUT /api/me/password")),
        Route(f"{path}/end-others", post=Answer(page.end_others, "DELETE /api/me/sessions")),
    ]


def _logins(site: Site, answering: Callable[[str], Responder]) -> list[Route]:
    pages = {form.path.rstrip("/"): form for form in (LOGIN, REGISTER, FORGOT, RESET, LOGOUT)}
    made = {path: LoginPage(site, form, answering(path)) for path, form in pages.items()}
    return [
        Route(path, get=Answer(page.show, FOR_EVERYONE), post=Answer(page.post, f"POST {path}"))
        for path, page in made.items()
    ]
