"""Another tenant, of whom every text and every id is known, so that any of them is found wherever it comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from api.schemas.paging import write_cursor
from core.errors import TransientFailure
from core.listing import Mark
from core.scopes import Role, Scope
from models import database
from models.tables import ALL, App, Job, Run, db
from services.execution.work import Deferred, Failed, Succeeded
from tests.factories import GivenSystem, claim, claim_one, record, runs_of
from tests.integration.access.tenants import Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import Client
from tests.integration.api.people import HIDDEN, token_of

MARK = "canarybird"  # in every text of the tenant
APP = f"{MARK}-app"
ACCOUNT = f"{MARK}-account"
TASK_TYPE = f"{MARK}-task"
IDEMPOTENCY_KEY = f"{MARK}-once"
_TOLD = re.compile(rf"[\w.@:+-]*{MARK}[\w.@:+-]*", re.IGNORECASE)
_STORED_ID = re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b")
_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class Foreign:
    """The tenant: an app with everything that an app can have, and its owner's own things."""

    def __init__(self, client: Client, system: GivenSystem) -> None:
        self._client, self._system = client, system
        self.owner = token_of(client, f"{MARK}-berta")
        made_app(client, self.owner, APP)
        joined(client, self.owner, APP, f"{MARK}-member", Role.VIEWER)
        key = made_key(client, self.owner, APP, *Scope, name=f"{MARK} key")
        self._put_all_of_the_app()
        self.job_id, self.run_id = self._ended_badly(key)
        self._holds_and_progress(key)
        self._own_things()
        self.ids = frozenset(_ids_of_all_rows())
        self._rows = dict(_rows())
        with database.reading():
            self._counts = self._counted()

    def values(self) -> dict[str, str]:
        """What others may guess or have overheard, by the names that paths, queries and bodies have for it."""
        first = self._first
        return {
            "job_id": self.job_id,
            "job": self.job_id,
            "run_id": self.run_id,
            "name": APP,
            "app": APP,
            "app_name": APP,
            "account_id": ACCOUNT,
            "username": f"{MARK}-berta",
            "principal": f"{MARK}-berta",
            "user_id": f"{MARK}-user",
            "task_type": TASK_TYPE,
            "tag": f"{MARK}-tag",
            "search": MARK,
            "key": f"account:{APP}/{ACCOUNT}",
            "held_key": f"account:{APP}/{ACCOUNT}",
            "after": f"account:{APP}/",
            "thing_id": self.job_id,
            "secret_name": "CANARYBIRD",
            "key_id": first("keys"),
            "secret_id": first("signing_secrets"),
            "view_id": first("views"),
            "token_id": first("tokens"),
            "cursor": write_cursor(Mark(UUID(self.job_id), None)),
            "Idempotency-Key": IDEMPOTENCY_KEY,
        }

    def told_by(self, answer: Any, sent: str) -> set[str]:
        """Returns what an answer tells of this tenant that did not stand in the request."""
        text, known = unquote(f"{answer.text} {dict(answer.headers)}").lower(), unquote(sent).lower()
        marked = {one for one in _TOLD.findall(text) if one.strip(".:") not in known}
        return marked | {one for one in _ID.findall(text) if one in self.ids and one not in known}

    def expect_untouched(self) -> None:
        """Each row of this tenant is as it was, and no run or job was added."""
        now = dict(_rows())
        assert {key: now.get(key) for key in self._rows} == self._rows
        with database.reading():
            assert self._counted() == self._counts

    def _counted(self) -> tuple[int, int]:
        jobs = Job.select(Job.id).join(App).where(App.name == APP)
        return jobs.count(), Run.select().where(Run.job.in_(jobs)).count()

    def _first(self, kind: str) -> str:
        paths = {
            "keys": f"/api/apps/{APP}/keys",
            "signing_secrets": f"/api/apps/{APP}/signing-secrets",
            "views": "/api/views",
            "tokens": "/api/me/tokens",
        }
        return str(self._get(paths[kind])["results"][0]["id"])

    def _get(self, path: str) -> Any:
        answer = self._client.simulate_get(path, headers=self.owner)
        assert answer.status_code == 200, answer.text
        return answer.json

    def _done(self, method: str, path: str, body: Any, who: Headers | None = None) -> Any:
        answer = self._client.simulate_request(method, path, headers=who or self.owner, json=body)
        assert answer.status_code in (200, 201, 204), (path, answer.text)
        return answer.json if answer.content else None

    def _put_all_of_the_app(self) -> None:
        request = {"url": f"http://127.0.0.1:9/{MARK}", "headers": {"X-Of": f"{MARK}-header"}}
        app = {"callback_base_url": f"http://127.0.0.1:9/{MARK}", "task_types": {TASK_TYPE: {"request": request}}}
        self._done("PUT", f"/api/apps/{APP}", app)
        self._done("PUT", f"/api/apps/{APP}/quotas", {"jobs": 77_777}, HIDDEN)
        self._done("PUT", f"/api/apps/{APP}/senders", {"senders": [f"{MARK}@example.com"]}, HIDDEN)
        self._done("PUT", f"/api/apps/{APP}/secrets/CANARYBIRD", {"value": f"{MARK}-secret"})
        self._done("POST", f"/api/apps/{APP}/signing-secrets", {})
        self._done("PUT", f"/api/limits/account:{APP}/{ACCOUNT}", {"concurrency": 1})

    def _ended_badly(self, key: Headers) -> tuple[str, str]:
        """A job that was edited, with a run that failed: its id and that of the run."""
        job = self._job(key | {"Idempotency-Key": IDEMPOTENCY_KEY}, max_retries=0, name=f"{MARK} job")
        edit = {"tags": [f"{MARK}-tag", f"{MARK}-edited"]}
        self._done("PATCH", f"/api/jobs/{job}?reason={MARK}-why", edit, key)
        error = TransientFailure(f"{MARK} is down.", status_code=503)
        record(self._system, claim_one(self._system), Failed(error, f"{MARK} answer", {"text": f"{MARK} result"}))
        return job, str(runs_of(UUID(job))[0].id)

    def _holds_and_progress(self, key: Headers) -> None:
        """A run that was done, one that is reported on, and one that waits for it."""
        self._job(key)
        record(self._system, claim_one(self._system), Succeeded(200, f'"{MARK} answer"'))
        self._job(key)
        work = claim_one(self._system)
        record(self._system, work, Deferred())
        token = {"X-Carillon-Report-Token": work.report_token}
        for kind, body in (("heartbeat", {"message": f"{MARK} message"}), ("log", {"lines": [f"{MARK} line"]})):
            self._done("POST", f"/reports/{work.run_id}/{kind}", body, token)
        self._job(key)
        assert claim(self._system) == [], "the account has its one run already"

    def _job(self, who: Headers, **more: Any) -> str:
        job: dict[str, Any] = {
            "schedule": {"type": "immediate"},
            "account_id": ACCOUNT,
            "user_id": f"{MARK}-user",
            "task_type": TASK_TYPE,
            "data": {"text": f"{MARK}-data"},
            "metadata": {"text": f"{MARK}-metadata"},
            "tags": [f"{MARK}-tag"],
        }
        return made_job(self._client, who, APP, **job, **more)

    def _own_things(self) -> None:
        view = {"list": "jobs", "name": f"{MARK} view", "query": {"tag": f"{MARK}-tag"}}
        self._done("POST", "/api/views", view)
        self._done("POST", "/api/me/tokens", {"name": f"{MARK} token", "scopes": ["read"]})
        letter = {"recipient": f"{MARK}@example.com", "subject": f"{MARK} subject", "body": f"{MARK} body"}
        self._done("POST", "/api/jobs/send-email", letter)


def _rows() -> Iterator[tuple[tuple[str, str], str]]:
    """Each row that has the mark, by its table and its first column."""
    for table in ALL:
        for row in _of(table._meta.table_name):
            text = repr(row)
            if MARK in text.lower():
                yield (table._meta.table_name, str(row[0])), text


def _ids_of_all_rows() -> Iterator[str]:
    """The ids in the tables while this tenant is the only one: theirs, but for those of the apps that all share."""
    with database.reading():
        shared = {str(app.id) for app in App.select().where(App.name != APP)}
    for table in ALL:
        for row in _of(table._meta.table_name):
            found = {str(UUID(one)) for one in _STORED_ID.findall(repr(row))}
            yield from found - shared


def _of(table: str) -> list[Any]:
    with database.reading():
        return list(db.execute_sql(f"SELECT * FROM {table}").fetchall())  # noqa: S608  a name of ours
