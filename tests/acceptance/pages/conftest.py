"""One embedded server behind a proxy's path prefix, and one browser, for all walks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, StorageState, expect

from local import chromium
from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import Installation
from tests.acceptance.journal import Answer, Call, Gate, Journal
from tests.acceptance.pages.proxy import Proxy
from tests.acceptance.pages.reader import PASSWORD, Reader
from tests.waiting import LONGEST

expect.set_options(timeout=LONGEST * 1000)
OF_OPERATORS = {"X-Internal-Secret": "what the operator knows"}
NewReader = Callable[..., Reader]


def behave(call: Call) -> Answer:
    """Fail, poll twice or succeed, as the task type says."""
    if call.task_type == "broken":
        return Answer(422, {"error": "no such customer"})
    if call.task_type == "poll":
        seen = call.body["polling_state"].get("seen", 0) + 1
        return Answer(200, {"polling_state": {"seen": seen}, "done": False})
    return Answer()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Cookies and settings of a new reader, in the zone of pages that do not know one: they need not load twice."""
    context = browser.new_context(timezone_id="UTC", **options)
    context.set_default_timeout(LONGEST * 1000)
    return context


@pytest.fixture(scope="package")
def gate() -> Gate:
    """Holds the callbacks while it is closed."""
    return Gate(behave)


@pytest.fixture(scope="package")
def proxy(tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Iterator[Proxy]:
    with Journal(gate) as journal, Proxy() as proxy:
        environment = {
            **QUICK,
            "CALLBACK_BASE_URL": journal.url,
            "CALLBACK_NETWORKS_ALLOWED": "127.0.0.0/8",
            "COMMANDS_ALLOWED": "echo",
            "INTERNAL_SECRET": OF_OPERATORS["X-Internal-Secret"],
            "ADMIN_USERNAMES": "root",
            "PUBLIC_URL": proxy.url,
        }
        folder: Path = tmp_path_factory.mktemp("walks")
        with Installation(folder, {"serve": 1}, environment) as carillon:
            proxy.target = ("127.0.0.1", carillon.port)
            yield proxy


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium.opened() as one:
        yield one


@dataclass(frozen=True)
class Session:
    """A user who has logged in, the cookies that show it, and the app that they own."""

    app: str
    cookies: StorageState


@pytest.fixture(scope="package")
def session(browser: Browser, proxy: Proxy) -> Session:
    """A user who has registered, logged in and made an app, by forms."""
    with new_context(browser) as context:
        one = Reader(context.new_page(), proxy.url)
        app = one.begin("ada")
        assert one.faults == []
        return Session(app, context.storage_state())


@pytest.fixture
def reader(browser: Browser, proxy: Proxy) -> Iterator[NewReader]:
    """Opens tabs of readers, who have a session or none; none may have gone beyond the rules when the test ends."""
    with ExitStack() as stack:
        readers: list[Reader] = []

        def new(session: Session | None = None, *, scripts: bool = True, width: int = 1280) -> Reader:
            context = new_context(
                browser,
                java_script_enabled=scripts,
                viewport={"width": width, "height": 800},
                storage_state=None if session is None else session.cookies,
            )
            readers.append(Reader(stack.enter_context(context).new_page(), proxy.url))
            return readers[-1]

        yield new
        assert [fault for one in readers for fault in one.faults] == []
        assert proxy.strays == []


@pytest.fixture
def ada(reader: NewReader, session: Session) -> Reader:
    """A user who owns an app, in which they make jobs."""
    return reader(session)


@pytest.fixture
def root(reader: NewReader, proxy: Proxy) -> Reader:
    """An administrator, whose name only the operator may register."""
    new = {"username": "root", "email": "root@example.com", "password": PASSWORD}
    requests.post(f"{host_of(proxy)}/api/register/", json=new, headers=OF_OPERATORS, timeout=LONGEST).raise_for_status()
    one = reader()
    one.open("/login/")
    one.log_in("root")
    return one


def host_of(proxy: Proxy) -> str:
    """Where the server itself answers, without the proxy."""
    host, port = proxy.target
    return f"http://{host}:{port}"
