"""WebSockets: a channel is guarded as every other path is, though none is written with a guard in mind."""

from __future__ import annotations

import asyncio
from uuid import UUID

import falcon.testing
import pytest
from falcon.asgi import Request, WebSocket
from structlog.testing import capture_logs

from api.app import App
from api.operations import Required, UndeclaredOperationError, operation
from api.posted_forms import FORM
from api.sites import COOKIE
from core.scopes import Scope
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import NO_JOB, Client, served
from tests.integration.api.people import HIDDEN, PASSWORD, SECRET, register, token_of

LIMIT = 5
OURS, OTHERS = "https://app.example.com", "https://evil.example.com"
ACCEPTED = None
UNAUTHORIZED, FORBIDDEN, NOT_FOUND, MISDIRECTED, TOO_MANY = 3401, 3403, 3404, 3421, 3429


class Channel:
    """A channel that somebody adds tomorrow."""

    def __init__(self) -> None:
        self.request_ids: list[str] = []

    @operation(access=Required.ADMINISTRATION, scope=Scope.READ)
    async def on_websocket(self, req: Request, ws: WebSocket) -> None:
        self.request_ids.append(req.context.request_id)
        await ws.accept()


class ChannelOfJob:
    """A channel for the owner of a job."""

    @operation(access=Required.JOB, scope=Scope.READ)
    async def on_websocket(self, _req: Request, ws: WebSocket, **_parameters: UUID) -> None:
        await ws.accept()


class UndeclaredChannel:
    """A channel that somebody adds without a thought of who may open it."""

    async def on_websocket(self, _req: Request, ws: WebSocket) -> None:
        await ws.accept()


@pytest.fixture
def channel() -> Channel:
    return Channel()


@pytest.fixture
def system(store: str) -> GivenSystem:
    return given_system(internal_secret=SECRET, cors_origins=OURS, admin_usernames="root")


@pytest.fixture
def app(system: GivenSystem, channel: Channel) -> App:
    return with_channel(system, channel)


@pytest.fixture
def client(app: App) -> Client:
    return Client(app)


def with_channel(system: GivenSystem, channel: Channel) -> App:
    app = served(system)
    app.add_route("/api/changes", channel)
    app.add_route("/api/jobs/{job_id:uuid}/changes", ChannelOfJob())
    return app


def opened(app: App, path: str = "/api/changes", host: str = "carillon.example.com", **headers: str) -> int | None:
    """The code that a handshake is refused with, or None for one that is accepted."""
    return asyncio.run(_refusal(app, path, host, headers))


async def _refusal(app: App, path: str, host: str, headers: dict[str, str]) -> int | None:
    refusal: int | None = ACCEPTED
    async with falcon.testing.ASGIConductor(app) as conductor:
        try:
            async with conductor.simulate_ws(path, host=host, headers=headers):
                pass
        except falcon.WebSocketDisconnected as refused:
            refusal = refused.code
    return refusal


def test_a_channel_that_declares_no_access_cannot_be_added(app: App) -> None:
    with pytest.raises(UndeclaredOperationError, match="WEBSOCKET /api/all-changes"):
        app.add_route("/api/all-changes", UndeclaredChannel())


def test_only_operators_and_administrators_may_open_a_channel_for_administration(app: App, client: Client) -> None:
    assert opened(app) == UNAUTHORIZED
    assert opened(app, **{"X-Internal-Secret": "wrong"}) == UNAUTHORIZED
    assert opened(app, Authorization="Token wrong") == UNAUTHORIZED
    assert opened(app, **token_of(client, "anna")) == FORBIDDEN
    assert opened(app, **HIDDEN) == ACCEPTED
    assert opened(app, **token_of(client, "root")) == ACCEPTED


def test_a_handshake_that_is_refused_is_no_error_in_the_log(app: App, caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as logged:
        assert opened(app) == UNAUTHORIZED
    assert {one["log_level"] for one in logged} <= {"debug"}
    assert caplog.records == []


def test_the_channel_of_a_job_is_open_to_its_owner_alone(app: App, client: Client) -> None:
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    job = client.simulate_post("/jobs/api/jobs", json={"name": "Report"}, headers=anna).json["id"]
    assert opened(app, f"/api/jobs/{job}/changes", **anna) == ACCEPTED
    assert opened(app, f"/api/jobs/{job}/changes", **berta) == NOT_FOUND
    assert opened(app, f"/api/jobs/{NO_JOB}/changes", **anna) == NOT_FOUND
    assert opened(app, f"/api/jobs/{job}/changes") == UNAUTHORIZED


def test_the_page_of_another_site_cannot_open_a_channel_with_the_session_of_a_browser(app: App, client: Client) -> None:
    root = {"Cookie": f"{COOKIE}={session_of(client, 'root')}"}
    assert opened(app, Origin="http://carillon.example.com", **root) == ACCEPTED
    for foreign in (OTHERS, OURS, "null"):
        assert opened(app, Origin=foreign, **root) == FORBIDDEN
    assert opened(app, **{"Sec-Fetch-Site": "cross-site"}, **root) == FORBIDDEN


def test_a_page_of_a_named_origin_opens_a_channel_with_a_token(app: App, client: Client) -> None:
    root = token_of(client, "root")
    assert opened(app, Origin=OURS, **root) == ACCEPTED
    assert opened(app, Origin=OTHERS, **root) == FORBIDDEN


def test_without_a_secret_channels_are_opened_on_this_machine_alone(sqlite: str, channel: Channel) -> None:
    app = with_channel(given_system(), channel)
    assert opened(app, host="127.0.0.1") == ACCEPTED
    assert opened(app, host="evil.example.com") == MISDIRECTED
    assert opened(app, host="127.0.0.1", Origin=OTHERS) == FORBIDDEN


def test_handshakes_count_as_requests_do(sqlite: str, channel: Channel) -> None:
    app = with_channel(given_system(internal_secret=SECRET, requests_per_minute=LIMIT), channel)
    assert [opened(app) for _ in range(LIMIT + 1)] == [UNAUTHORIZED] * LIMIT + [TOO_MANY]
    assert opened(app, **HIDDEN) == ACCEPTED


def test_a_handshake_has_a_request_id(app: App, channel: Channel) -> None:
    opened(app, **HIDDEN, **{"X-Request-Id": "given"})
    opened(app, **HIDDEN)
    given, made = channel.request_ids
    assert given == "given"
    assert UUID(made)


def test_a_stranger_does_not_learn_which_paths_have_channels(app: App) -> None:
    assert opened(app, "/api/nowhere") == opened(app, "/api/jobs") == UNAUTHORIZED
    assert opened(app, "/api/nowhere", **HIDDEN) == NOT_FOUND


def session_of(client: Client, name: str) -> str:
    register(client, name, **HIDDEN)
    result = client.simulate_post("/login/", body=f"username={name}&password={PASSWORD}", content_type=FORM)
    session: str = result.cookies[COOKIE].value
    return session
