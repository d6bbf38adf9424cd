"""Every operation of the OpenAPI document, asked by every kind of caller: each gets what it declares and no more."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.app import App
from api.operations import Operation, Required, Routes
from core.scopes import Role, Scope
from models import database
from models.tables import AppKey, AppMember, AuditEntry, Job, Run, Table
from services.access.known_keys import REMEMBERED_SECONDS
from tests import statements
from tests.factories import NOON, GivenSystem, given_system, runs_of
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers, joined, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, Client, served
from tests.integration.api.listening import ENDLESS
from tests.integration.api.people import HIDDEN, token_of

NO_APP = "none"
ROLES = {role.value: role.scopes for role in Role}
KEYS = {f"key {scope.value}": frozenset({scope}) for scope in Scope}
ALL = frozenset(Scope)
# Callers inside the app, and what they may do there with the jobs of account acc1.
INSIDE = {**ROLES, **KEYS, "key of the account": ALL - {Scope.APP}, "administrator": ALL, "operator of all": ALL}
OUTSIDE = ("owner of another app", "key of another app", "user without an app", "taken out", "key of another account")
UNKNOWN = ("nobody", "revoked key", "expired key", "wrong token")
TRUSTED = ("administrator", "operator of all")
# Other answers than these tell: 401 where a key asks for what is a user's, sessions that end.
APART = {
    "logOut": "ends the caller's token",
    "putQuotas": "of administrators alone",
    "listTasks": "of users alone",
    "createTask": "of users alone",
    "uploadFile": "of users and the shared app alone",
    **dict.fromkeys(("listTokens", "createToken", "revokeToken", "endOtherSessions", "changePassword"), "a user's own"),
}
BESIDES = {"testCall": (Scope.READ,)}  # it shows the data of the job
ELSEWHERE = ("/api/tasks/", "/scheduler/", "/jobs/api/")  # the jobs of an app are none of the source systems'


@dataclass(frozen=True)
class Asked:
    """An operation of the document, and what it declares."""

    id: str
    method: str
    path: str
    declared: Operation

    @property
    def is_about_one(self) -> bool:
        """Whether its path names one thing that belongs to somebody."""
        return self.declared.access.in_path is not None

    def filled(self, job_id: str, run_id: str, app: str) -> str:
        """Returns the path with these in their places; of what is in an app, nobody and nothing."""
        values = {"job_id": job_id, "run_id": run_id, "name": app, "username": "nobody", "key_id": NO_JOB}
        values |= {"version": "1", "other": "1"}
        return re.sub(r"\{(\w+)\}", lambda match: values.get(match[1], NO_JOB), self.path)


class World:
    """Two apps of two owners, and every kind of caller."""

    def __init__(self) -> None:
        self.system: GivenSystem = given_system(**SETTINGS)
        self.app: App = served(self.system)
        self.client = Client(self.app)
        self.owner = token_of(self.client, "anna")
        self.other = token_of(self.client, "berta")
        made_app(self.client, self.owner, MINE)
        made_app(self.client, self.other, THEIRS)

    def caller(self, name: str) -> Headers:
        """The header by which this kind of caller is known."""
        if name in ROLES:
            return joined(self.client, self.owner, MINE, "clara", Role(name))
        if name in KEYS:
            return made_key(self.client, self.owner, MINE, *KEYS[name])
        others: dict[str, Callable[[], Headers]] = {
            "key of the account": lambda: self._key_of("acc1"),
            "key of another account": lambda: self._key_of("acc2"),
            "key of another app": lambda: made_key(self.client, self.other, THEIRS, *Scope),
            "owner of another app": lambda: self.other,
            "user without an app": lambda: token_of(self.client, "dora"),
            "taken out": self._taken_out,
            "administrator": lambda: token_of(self.client, "root"),
            "operator of all": lambda: HIDDEN,
            "nobody": dict,
            "wrong token": lambda: {"Authorization": "Token carillon_wrong"},
            "revoked key": lambda: self._spent_key(name),
            "expired key": lambda: self._spent_key(name),
        }
        return others[name]()

    def _key_of(self, account: str) -> Headers:
        return made_key(self.client, self.owner, MINE, "read", "operate", "jobs", account_id=account)

    def _taken_out(self) -> Headers:
        emil = joined(self.client, self.owner, MINE, "emil", Role.OWNER)
        self.client.simulate_delete(f"/api/apps/{MINE}/members/emil", headers=self.owner)
        return emil

    def _spent_key(self, name: str) -> Headers:
        expires = {"expires_at": (NOON + timedelta(seconds=1)).isoformat()} if name == "expired key" else {}
        key = made_key(self.client, self.owner, MINE, *Scope, **expires)
        assert self.client.simulate_get("/api/me", headers=key).status_code == 200
        if name == "revoked key":
            [made] = self.client.simulate_get(f"/api/apps/{MINE}/keys", headers=self.owner).json["results"]
            self.client.simulate_delete(f"/api/apps/{MINE}/keys/{made['id']}", headers=self.owner)
        self.system.clock.advance(REMEMBERED_SECONDS)
        return key

    def a_job(self) -> tuple[str, str]:
        """The id of a new job of account acc1 in the first app, and that of its first run."""
        job = made_job(self.client, self.owner, MINE)
        return job, str(runs_of(UUID(job))[0].id)

    def ask(self, one: Asked, path: str, who: Headers) -> Any:
        """The answer to an operation with an empty body, where it takes one."""
        body: dict[str, Any] | None = None if one.method == "GET" else {}
        return self.client.simulate_request(one.method, path, headers=who, json=body)


@pytest.fixture
def world(sqlite: str) -> World:
    return World()


def operations(world: World) -> Iterator[Asked]:
    """Every operation of the document that is not open to all."""
    document = world.client.simulate_get("/openapi.json").json
    router = world.app._router
    assert isinstance(router, Routes)
    templates = {re.sub(r":\w+}", "}", template): template for template in router._declared}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            declared = router.operation(templates[path], method.upper())
            if not declared.access.is_open:
                yield Asked(described["operationId"], method.upper(), path, declared)


def test_the_matrix_is_about_the_whole_document(world: World) -> None:
    found = list(operations(world))
    assert len(found) > 60
    assert {one.declared.access for one in found} == set(Required) - {Required.NOTHING, Required.RECEIVER}
    assert APART.keys() <= {one.id for one in found}


@pytest.mark.parametrize("name", INSIDE)
def test_whoever_is_in_the_app_does_what_their_scopes_say_and_gets_403_for_the_rest(world: World, name: str) -> None:
    who = world.caller(name)
    job, run = world.a_job()
    for one in operations(world):
        if one.id in APART or one.path.startswith(ELSEWHERE):
            continue
        if one.declared.access in (Required.JOB, Required.RUN):  # what it does is not to matter to the next
            job, run = world.a_job()
        answer = world.ask(one, one.filled(job, run, MINE), who)
        told = (one.id, answer.status_code, answer.text[:300])
        if allowed(one, name):
            assert answer.status_code not in (401, 403, 500), told
            assert "There is no job" not in answer.text, told
            assert "There is no run" not in answer.text, told
            assert "There is no app" not in answer.text, told
        else:
            assert answer.status_code == 403, told


def allowed(one: Asked, name: str) -> bool:
    """Whether a caller inside the app may do this, by what it declares and its service requires besides."""
    declared = one.declared
    if declared.access is Required.ADMINISTRATION and name not in TRUSTED:
        return False
    if declared.scope is None:
        return True
    if declared.access is Required.APP and name == "key of the account":
        return declared.scope is Scope.READ
    if declared.access is Required.ACCOUNT and name in ROLES:
        return True  # of a user's own, and of what the role grants
    return {declared.scope, *BESIDES.get(one.id, ())} <= INSIDE[name]


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_another_tenants_is_answered_as_what_is_not_there(world: World, name: str) -> None:
    who = world.caller(name)
    job, run = world.a_job()
    world.client.simulate_get("/api/me", headers=who)  # a credential's first use is stored
    before = rows()
    asked = 0
    for one in operations(world):
        if not one.is_about_one or (name == "key of another account" and one.declared.access is Required.APP):
            continue
        with statements.noted() as of_foreign:
            foreign = world.ask(one, one.filled(job, run, MINE), who)
        with statements.noted() as of_missing:
            missing = world.ask(one, one.filled(NO_JOB, NO_JOB, NO_APP), who)
        assert [sql for sql, _ in of_foreign] == [sql for sql, _ in of_missing], one.id  # so it takes as long, too
        assert foreign.status_code == missing.status_code == 404, (one.id, foreign.text, missing.text)
        assert plain(foreign.json, job, run) == plain(missing.json, job, run), one.id
        assert foreign.headers.keys() == missing.headers.keys(), one.id
        asked += 1
    assert asked > 30
    assert rows() == before


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_of_another_tenant_is_in_any_list_count_or_action_on_many(world: World, name: str) -> None:
    who = world.caller(name)
    job, run = world.a_job()
    before = rows()
    for one in operations(world):
        if one.declared.access is not Required.ACCOUNT or one.method != "GET" or one.id in ENDLESS:
            continue
        for query in ("", f"?app_name={MINE}", "?account_id=acc1", f"?job_id={job}", "?status=pending"):
            answer = world.ask(one, one.path + query, who)
            told = (one.id, query, answer.text[:300])
            assert answer.status_code in (200, 400, 401, 403), told
            shown = answer.text.replace(f"job_id={job}", "")
            assert job not in shown, told
            assert run not in shown, told
            if answer.status_code == 200 and isinstance(answer.json, dict):
                assert not any(answer.json.get(count) for count in ("count", "total", "total_jobs")), told
    for path, body in (
        ("/api/jobs/actions", {"action": "cancel", "all": True}),
        ("/api/jobs/actions", {"action": "delete", "filter": {"app_name": MINE}}),
        ("/api/runs/actions", {"action": "cancel", "all": True}),
        ("/api/runs/actions", {"action": "dismiss", "filter": {"ids": [run]}}),
        ("/api/runs/replay", {"all": True}),
        ("/api/runs/replay", {"filter": {"job_id": job}}),
    ):
        assert world.client.simulate_post(path, headers=who, json=body).json["matched"] == 0
    assert rows() == before


@pytest.mark.parametrize("name", UNKNOWN)
def test_who_is_not_known_gets_401_wherever_something_is_required(world: World, name: str) -> None:
    who = world.caller(name)
    job, run = world.a_job()
    before = rows()
    for one in operations(world):
        assert world.ask(one, one.filled(job, run, MINE), who).status_code == 401, one.id
    assert rows() == before


def plain(problem: dict[str, Any], job: str, run: str) -> dict[str, str]:
    """A problem without what tells one request from another, and the id or name that the caller sent."""
    told = {name: str(value) for name, value in problem.items() if name not in ("instance", "request_id")}
    sent = re.compile(f"{job}|{run}|{NO_JOB}|\\b{MINE}\\b|\\b{NO_APP}\\b")
    return {name: sent.sub("...", value) for name, value in told.items()}


def rows() -> list[list[dict[str, Any]]]:
    """What a caller might have changed."""
    with database.reading():
        tables: tuple[type[Table], ...] = (Job, Run, AppMember, AppKey, AuditEntry)
        return [[{**row.__data__, "used_at": None} for row in table.select()] for table in tables]
