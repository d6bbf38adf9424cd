"""Every action that the audit log records: a request that does it, and what must be there before."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from services.execution import workers
from tests.factories import GivenSystem, claim, polled, record, refused, runs_of
from tests.integration.access.tenants import ADDRESS, MINE, Headers, made_job
from tests.integration.api.client import Client
from tests.integration.api.people import HIDDEN, PASSWORD, token_of
from tests.integration.pages.states import opened

SERVICES = Path(__file__).parents[3] / "services"
NOW = {"type": "immediate"}
ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
NO_ACTIONS = {"schedule.type"}  # a field that a refusal names
APP = f"/api/apps/{MINE}"
EVERYTHING, RESTORE = "/api/installation", "/api/installation/restore"
CLARA, KEY = f"{APP}/members/clara", {"name": "a key", "scopes": ["read"]}
SECRET, LIMIT, SIGNING = f"{APP}/secrets/API_KEY", f"/api/limits/app:{MINE}", f"{APP}/signing-secrets"
TOKENS = "/api/me/tokens"
SPAN = {"from": "2026-11-20T11:58:00Z", "to": "2026-11-20T12:00:00Z"}


@dataclass(frozen=True)
class Scene:
    """An app of anna's. She and the operator make the requests."""

    system: GivenSystem
    client: Client
    anna: Headers

    def ask(self, method: str, path: str, body: Any = None, who: Headers | None = None) -> Any:
        """Make a request as anna, unless as somebody else. Returns the JSON of the answer."""
        result = self.client.simulate_request(method, path, headers=self.anna if who is None else who, json=body)
        assert result.status_code < 300, result.text
        return result.json if result.content else None

    def order(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request as the operator. Returns the JSON of the answer."""
        return self.ask(method, path, body, HIDDEN)

    def created(self, path: str, body: Any, who: Headers | None = None) -> str:
        """Create something below an address. Returns its own address."""
        return f"{path}/{self.ask('POST', path, body, who)['id']}"

    def put(self, path: str, body: Any) -> str:
        """Put something. Returns its address."""
        self.ask("PUT", path, body)
        return path

    def clara(self) -> str:
        """Returns the address of a new user's membership, which is not there yet."""
        token_of(self.client, "clara")
        return CLARA

    def job(self, **changes: Any) -> str:
        """Returns the address of a new job."""
        return f"/api/jobs/{made_job(self.client, self.anna, MINE, **changes)}"

    def run(self) -> str:
        """Returns the address of a new run."""
        return self._run_of(self.job())

    def paused(self, path: str, who: Headers | None = None) -> str:
        """Pause something. Returns its address."""
        self.ask("POST", f"{path}/pause", None, who)
        return path

    def failed_job(self) -> str:
        """Returns the address of a job whose run has failed."""
        job = self.job(schedule=NOW, max_retries=0)
        [work] = claim(self.system)
        record(self.system, work, refused())
        return job

    def failed_run(self) -> str:
        """Returns the address of a run that has failed."""
        return self._run_of(self.failed_job())

    def polled_job(self) -> str:
        """Returns the address of a job that has polled once."""
        job = self.job(schedule={"type": "polling", "interval_seconds": 30})
        [work] = claim(self.system)
        record(self.system, work, polled({"page": 2}))
        return job

    def restored(self) -> str:
        """Hold everything as after a restore. Returns the address of the restore."""
        self.order("POST", RESTORE)
        return RESTORE

    def restored_while_due(self) -> str:
        """Hold everything, also a run that is due. Returns the address of the restore."""
        self.job(schedule=NOW)
        return self.restored()

    def older_signing_secret(self) -> str:
        """Create two signing secrets. Returns the address of the first: the last one cannot be deleted."""
        older, _newer = (self.created(SIGNING, {}) for _ in range(2))
        return older

    def breaker(self) -> str:
        """Returns the address of an open breaker."""
        return f"/api/breakers/{opened(self.system, app_name=MINE)}"

    def drain(self) -> str:
        """Returns the address of the drain of a new worker."""
        return f"/api/workers/{workers.register(self.system).id}/drain"

    def drained(self) -> str:
        """Drain a new worker. Returns the address of its drain."""
        path = self.drain()
        self.order("POST", path)
        return path

    def invitation(self) -> str:
        """Returns the address of a new invitation."""
        return self.created("/api/invitations", {}, HIDDEN)

    def invited(self) -> dict[str, str]:
        """Returns what somebody registers with who was invited."""
        link = self.order("POST", "/api/invitations", {})["link"]
        account = {"username": "clara", "password": PASSWORD, "email": "clara@example.com"}
        return {**account, "invitation": link.partition("?invitation=")[2]}

    def offered(self) -> dict[str, str]:
        """Returns what anna sets a new password with by a link."""
        link = self.order("POST", "/api/users/anna/reset")["link"]
        return {"token": link.partition("?token=")[2], "new_password": "another long password"}

    def logged_in_again(self) -> str:
        """Log in a second time. Returns the address of the sessions."""
        self.ask("POST", "/api/login", {"username": "anna", "password": PASSWORD})
        return "/api/me/sessions"

    def _run_of(self, job: str) -> str:
        return f"/api/runs/{runs_of(UUID(id_of(job)))[0].id}"


def id_of(path: str) -> str:
    return path.rpartition("/")[2]


ACTS: dict[str, Callable[[Scene], object]] = {
    "job.paused": lambda scene: scene.ask("POST", f"{scene.job()}/pause"),
    "job.resumed": lambda scene: scene.ask("POST", f"{scene.paused(scene.job())}/resume"),
    "job.cancelled": lambda scene: scene.ask("POST", f"{scene.job()}/cancel"),
    "job.edited": lambda scene: scene.ask("PATCH", scene.job(), {"priority": 9}),
    "job.deleted": lambda scene: scene.ask("DELETE", scene.job()),
    "job.triggered": lambda scene: scene.ask("POST", f"{scene.job()}/trigger", {"data": {"a": 1}}),
    "job.retried": lambda scene: scene.ask("POST", f"{scene.failed_job()}/retry"),
    "job.backfilled": lambda scene: scene.ask("POST", f"{scene.job()}/backfill", SPAN),
    "job.rewound": lambda scene: scene.ask("POST", f"{scene.polled_job()}/rewind", {"version": 0}),
    "job.test_called": lambda scene: scene.ask("POST", f"{scene.job()}/test-call"),
    "run.cancelled": lambda scene: scene.ask("POST", f"{scene.run()}/cancel"),
    "run.replayed": lambda scene: scene.ask("POST", f"{scene.failed_run()}/replay"),
    "run.dismissed": lambda scene: scene.ask(
        "POST", "/api/runs/actions", {"action": "dismiss", "filter": {"ids": [id_of(scene.failed_run())]}}
    ),
    "app.created": lambda scene: scene.ask("POST", "/api/apps", {"name": "another", "callback_base_url": ADDRESS}),
    "app.changed": lambda scene: scene.ask("PATCH", APP, {"callback_base_url": None}),
    "app.deleted": lambda scene: scene.ask("DELETE", APP),
    "app.paused": lambda scene: scene.ask("POST", f"{APP}/pause"),
    "app.resumed": lambda scene: scene.ask("POST", f"{scene.paused(APP)}/resume"),
    "app.quotas_changed": lambda scene: scene.order("PUT", f"{APP}/quotas", {"jobs": 10}),
    "app.test_called": lambda scene: scene.ask("POST", f"{APP}/test-call", {"task_type": "greet"}),
    "member.added": lambda scene: scene.put(scene.clara(), {"role": "viewer"}),
    "member.changed": lambda scene: scene.put(scene.put(scene.clara(), {"role": "viewer"}), {"role": "operator"}),
    "member.removed": lambda scene: scene.ask("DELETE", scene.put(scene.clara(), {"role": "viewer"})),
    "secret.created": lambda scene: scene.put(SECRET, {"value": "canary"}),
    "secret.changed": lambda scene: scene.put(scene.put(SECRET, {"value": "canary"}), {"value": "another"}),
    "secret.deleted": lambda scene: scene.ask("DELETE", scene.put(SECRET, {"value": "canary"})),
    "signing_secret.created": lambda scene: scene.ask("POST", SIGNING, {}),
    "signing_secret.deleted": lambda scene: scene.ask("DELETE", scene.older_signing_secret()),
    "limit.created": lambda scene: scene.put(LIMIT, {"concurrency": 2}),
    "limit.changed": lambda scene: scene.put(scene.put(LIMIT, {"concurrency": 2}), {"concurrency": 3}),
    "limit.deleted": lambda scene: scene.ask("DELETE", scene.put(LIMIT, {"concurrency": 2})),
    "key.created": lambda scene: scene.ask("POST", f"{APP}/keys", KEY),
    "key.revoked": lambda scene: scene.ask("DELETE", scene.created(f"{APP}/keys", KEY)),
    "breaker.closed": lambda scene: scene.ask("DELETE", scene.breaker()),
    "token.created": lambda scene: scene.ask("POST", TOKENS, KEY),
    "token.revoked": lambda scene: scene.ask("DELETE", scene.created(TOKENS, KEY)),
    "sessions.ended": lambda scene: scene.ask("DELETE", scene.logged_in_again()),
    "password.changed": lambda scene: scene.put(
        "/api/me/password", {"current_password": PASSWORD, "new_password": "another long password"}
    ),
    "password.reset_offered": lambda scene: scene.order("POST", "/api/users/anna/reset"),
    "password.reset": lambda scene: scene.ask("POST", "/api/password/reset", scene.offered(), {}),
    "invitation.created": lambda scene: scene.invitation(),
    "invitation.withdrawn": lambda scene: scene.order("DELETE", scene.invitation()),
    "user.registered": lambda scene: scene.ask("POST", "/api/register", scene.invited(), {}),
    "user.changed": lambda scene: scene.order("PATCH", "/api/users/anna", {"disabled": True}),
    "user.access_ended": lambda scene: scene.order("DELETE", "/api/users/anna/tokens"),
    "installation.paused": lambda scene: scene.order("POST", f"{EVERYTHING}/pause"),
    "installation.resumed": lambda scene: scene.order("POST", f"{scene.paused(EVERYTHING, HIDDEN)}/resume"),
    "restore.declared": lambda scene: scene.restored(),
    "restore.released": lambda scene: scene.order("POST", f"{scene.restored_while_due()}/release", {"runs": 1}),
    "restore.discarded": lambda scene: scene.order(
        "POST", f"{scene.restored_while_due()}/release", {"runs": 1, "discard": True}
    ),
    "restore.ended": lambda scene: scene.order("POST", f"{scene.restored()}/release", {}),
    "worker.drained": lambda scene: scene.order("POST", scene.drain()),
    "worker.resumed": lambda scene: scene.order("DELETE", scene.drained()),
}


def actions() -> set[str]:
    """Returns the actions that the services record: the names like `job.paused` in each module that records any."""
    trees = [ast.parse(file.read_text()) for file in SERVICES.rglob("*.py")]
    return {name for tree in trees if _calls(tree, "audit") for name in _names(tree)} - NO_ACTIONS


def _calls(tree: ast.Module, method: str) -> list[ast.Call]:
    """Returns the calls in a module that call a method of this name, or pass it on."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if any(getattr(one, "attr", None) == method for one in (call.func, *call.args))]


def _names(tree: ast.Module) -> set[str]:
    """Returns the dotted names in a module but those of the events that it emits."""
    emitted = [one for call in _calls(tree, "emit") for one in call.args]
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in emitted]
    return {text.value for text in texts if isinstance(text.value, str) and ACTION.fullmatch(text.value)}
