"""A system in which every text that comes from outside is the same, each with a word of where it came from."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

from core import breakers as rules
from core import limit_keys, object_names, schedules
from core.errors import PermanentFailure
from core.limits import Limit
from core.principals import LOCAL
from core.receiver_answers import PollAnswer
from core.scopes import Scope
from models import apps as app_rows
from models import breakers
from services.access import app_keys
from services.access.app_keys import NewKey
from services.apps import apps
from services.apps.app_views import AppDefinition
from services.email import outbox
from services.execution import kept_calls, limit_changes, reports
from services.execution.reports import Sender
from services.execution.work import Deferred, Failed, Result, Succeeded, Work
from services.files import uploads
from services.jobs import creating, editing, lifecycle
from services.jobs.definition import NewJob
from services.system import System
from tests.factories import GivenSystem, claim, claim_one, given_system, new_job, record, runs_of
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site
from tests.integration.pages.people import OF_OPERATORS, log_in, register

KEY = "b" * 43 + "="
TURNING = "\u202e"


class Sown:
    """What is shown of the text; `about` has a thing of each kind that a page is about, `more` other pages."""

    def __init__(self, text: str, folder: Path) -> None:
        self._text = text
        known = {"internal_secret": OF_OPERATORS, "admin_usernames": "ada", "secret_keys": KEY}
        given = given_system(data_dir=folder, commands_allowed="echo", **known)
        self.system: GivenSystem = replace(given, perform_call=self._called)
        self.browser = Browser(site(self.system))
        register(self.browser, **{"X-Internal-Secret": OF_OPERATORS})
        log_in(self.browser)
        self._app = self.of("app").replace("/", "").replace(TURNING, "")
        apps.create(LOCAL, self.system, self._app, AppDefinition())
        self.about: dict[str, object] = {
            "name": self._app,
            "account_id": self.of("account"),
            "reset_token": self.of("code"),
        }
        self.more: dict[str, str] = {}
        self._sow()

    def of(self, source: str) -> str:
        """The text as it comes from this source."""
        return f"{self._text} {source}."

    def shown_of(self, source: str) -> str:
        """The text as pages show it: without what the server takes out of some."""
        text = self.of(source)
        match source:
            case "app":
                return self._app
            case "file":
                return object_names.base_name(text)
            case "command":
                return shlex.quote(text)
            case _:
                return text

    def _sow(self) -> None:
        failing, reported, polled = self._failing(), self._reported(), self._polled()
        edited, uploaded = self._paused_and_edited(), self._uploaded()
        self.about |= {
            "job_id": failing,
            "run_id": runs_of(failing)[0].id,
            "task_id": self._task(),
            "email_id": self._email(),
            "limit": self._limit(),
            "breaker": self._breaker(),
        }
        self.more = {
            "reported": f"/dashboard/runs/{reported}",
            "in progress": f"/dashboard/runs/{self._in_progress()}",
            "polled": f"/dashboard/jobs/{polled}",
            "changed": f"/dashboard/jobs/{edited}",
            "its versions": f"/dashboard/jobs/{edited}/versions",
            "uploaded": f"/dashboard/jobs/{uploaded}",
        }
        self._names()
        self._job()
        claim(self.system)  # and is under way from now on
        self._job()

    def _job(self, schedule: schedules.Schedule | None = None, **more: Any) -> UUID:
        return creating.create(LOCAL, self.system, self._new(schedule, **more))

    def _new(self, schedule: schedules.Schedule | None = None, **more: Any) -> NewJob:
        texts: dict[str, Any] = {name: self.of(name) for name in ("title", "user_id", "task_type")}
        texts |= {"account_id": self.of("account"), "tags": (self.of("tag"),), "metadata": {"of": self.of("metadata")}}
        return new_job(schedule, app_name=self._app, **{**texts, "data": {self.of("member"): self.of("data")}, **more})

    def _failing(self) -> UUID:
        job_id = self._job(max_retries=0, name=self.of("name"))
        work = claim_one(self.system)
        self._end(work, self._called(self.system, work, None))
        return job_id

    def _called(self, _system: System, work: Work, _scope: object) -> Result:
        """Make a call that fails."""
        body = json.dumps({"error": self.of("answer")}, ensure_ascii=False)
        url = f"http://127.0.0.1:9/{self.of('path')}"
        work.transcript.sends("POST", url, {"X-Sent": self.of("header")}, self.of("body").encode())
        work.transcript.answered(422, {"X-Answered": self.of("response-header")}, len(body))
        return Failed(PermanentFailure(self.of("error"), status_code=422), body)

    def _end(self, work: Work, result: Result) -> None:
        kept_calls.prepare(self.system, work, result)
        record(self.system, work, result)

    def _deferred(self) -> Sender:
        """A run whose receiver reports how it goes."""
        self._job()
        work = claim_one(self.system)
        record(self.system, work, Deferred())
        return Sender(work.run_id, work.report_token)

    def _reported(self) -> UUID:
        sender = self._deferred()
        reports.log_lines(self.system, sender, [self.of("line")])
        reports.complete(self.system, sender, {self.of("result-member"): self.of("result")}, None)
        return sender.run_id

    def _in_progress(self) -> UUID:
        sender = self._deferred()
        reports.heartbeat(self.system, sender, None, {"progress": 0.5, "message": self.of("message")})
        return sender.run_id

    def _polled(self) -> UUID:
        job_id = self._job(schedules.Polling(interval_seconds=3_600))
        state = {self.of("state-member"): self.of("state")}
        poll = PollAnswer(state, done=False, next_in_seconds=None, progress=None, message=None)
        record(self.system, claim_one(self.system), Succeeded(200, "{}", poll))
        return job_id

    def _paused_and_edited(self) -> UUID:
        daily = schedules.Cron("0 9 * * *")
        job_id = self._job(daily)
        changed = self._new(daily, data={self.of("member"): self.of("new-data")})
        editing.edit(LOCAL, self.system, job_id, lambda _view: changed, reason=self.of("reason-to-change"))
        lifecycle.pause(LOCAL, self.system, job_id, reason=self.of("reason-to-pause"))
        return job_id

    def _uploaded(self) -> UUID:
        file = uploads.incoming(self.system)
        file.write(b"x")
        file.finish()
        return uploads.accept(LOCAL, self.system, self._new(), file, self.of("file"))

    def _task(self) -> UUID:
        command = f"echo {shlex.quote(self.of('command'))}"
        apps.ensure(LOCAL, self.system, "tasks")
        job = new_job(app_name="tasks", task_type="run_command", data={"command": command}, account_id="ada")
        return creating.create(LOCAL, self.system, job)

    def _email(self) -> UUID:
        letter = EmailMessage()
        for name, text in {"From": "a@example.com", "To": "b@example.com", "Subject": self.of("subject")}.items():
            letter[name] = text
        letter["Date"] = "Fri, 20 Nov 2026 12:00:00 +0000"
        letter.set_content(self.of("letter"))
        letter.add_alternative(self.of("html"), subtype="html")
        outbox.keep(self.system.settings, letter.as_bytes())
        [kept] = outbox.newest(LOCAL, self.system.settings, 10)
        return kept.id

    def _limit(self) -> str:
        view, _ = limit_changes.put(LOCAL, self.system, f"key:{self._app}/{self.of('limit')}", Limit(3))
        return view.key

    def _breaker(self) -> str:
        host = self.of("host")
        key = limit_keys.of_destination(self._app, host)
        with self.system.transaction():
            app = app_rows.by_name(self._app)
            assert app is not None
            now = self.system.clock.now()
            breakers.open_new(key, app.id, host, rules.opened(now), now)
        return key

    def _names(self) -> None:
        new = NewKey(self.of("key"), frozenset({Scope.READ}), self.of("key-account"))
        app_keys.create(LOCAL, self.system, self._app, new)
        self.browser.submit(self.browser.load("/dashboard/jobs?tag=x").form("Save the view"), view_name=self.of("view"))
        self.browser.submit(self.browser.load("/dashboard/mine").form("Make a token"), name=self.of("token"))
