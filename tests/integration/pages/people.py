"""People who register and log in on the pages."""

from __future__ import annotations

from tests.integration.pages.browser import Browser

NAME, PASSWORD = "ada", "correct horse battery"
OF_OPERATORS = "what the operator knows"


def register(browser: Browser, name: str = NAME, **secret: str) -> None:
    body = f"username={name}&email={name}%40example.com&password={PASSWORD.replace(' ', '+')}"
    result = browser.request("POST", "/register/", body=body, **secret)
    assert result.headers["Location"] == "/login/"


def log_in(browser: Browser, path: str = "/login/", name: str = NAME) -> None:
    page = browser.submit(browser.load(path).form("Log in"), username=name, password=PASSWORD)
    assert page.status == 200
    assert page.has_button("Log out")
