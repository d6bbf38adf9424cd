"""Talks HTTP to one server, and turns its problems and its absence into errors of ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests

from client import connection_options, troubles
from client.errors import CommandFailed, Refused, WrongInput
from core import json_text
from core.errors import InvalidInput

PAGE = 100
TIMEOUT_SECONDS = (5.0, 60.0)  # to connect, to answer

_OF_PROXIES = (502, 503, 504)

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """The server's answer: a JSON object (empty if there is none), and its ETag."""

    body: Json
    etag: str | None


class Server:
    """The API at a URL. Every method raises `CommandFailed` when there is no good answer."""

    def __init__(self, url: str, secret: str | None, token: str | None = None) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = not _is_here(url)  # a proxy does not know this machine's own address
        if token:
            self._session.auth = _Bearer(token)
        elif secret:
            self._session.headers["X-Internal-Secret"] = secret.encode()  # the server compares bytes of UTF-8

    @property
    def url(self) -> str:
        """Returns the server's address."""
        return self._url

    def get(self, path: str, **parameters: Any) -> Json:
        """Returns the answer to a GET; parameters that are None are left out."""
        return self.ask("GET", path, parameters=parameters).body

    def post(self, path: str, body: Any = None, **headers: str) -> Json:
        """Returns the answer to a POST."""
        return self.ask("POST", path, body, headers).body

    def pages(self, path: str, **parameters: Any) -> Iterator[Json]:
        """Yields the pages of a list, one after the other."""
        page = self.get(path, **parameters)
        yield page
        while page.get("next"):
            page = self.get(page["next"])
            yield page

    def every(self, path: str, **parameters: Any) -> Iterator[Json]:
        """Yields every item of a list."""
        for page in self.pages(path, limit=PAGE, **parameters):
            yield from page["results"]

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Answer:
        """Returns the answer to a request."""
        wanted = {name: value for name, value in (parameters or {}).items() if value is not None}
        sent = {name: connection_options.header(name, value) for name, value in (headers or {}).items()}
        if body is not None:
            sent["Content-Type"] = b"application/json"
        try:
            response = self._session.request(
                method,
                self._url + path,
                params=wanted,
                data=None if body is None else _as_sent(body),
                headers=sent,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,  # the secret is for this server
            )
        except troubles.TROUBLES as trouble:
            raise troubles.command_failed(self._url, trouble) from None
        return self._read(response)

    def _read(self, response: requests.Response) -> Answer:
        try:
            body = response.json() if response.content else {}
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or (response.status_code >= 300 and "title" not in body):  # noqa: PLR2004
            raise self._stranger(response)
        if response.ok:
            return Answer(_Members(body, self._stranger(response)), response.headers.get("ETag"))
        raise Refused(response.status_code, str(body["title"]), str(body.get("detail", "")), _faults(body))

    def _stranger(self, response: requests.Response) -> CommandFailed:
        """Returns the error for an answer that does not come from Carillon."""
        if response.is_redirect:
            return CommandFailed(
                f"{self._url} redirects to {response.headers['Location']!a}. Give the final address with --url or "
                "CARILLON_URL; redirects are not followed, since the secret is for one server."
            )
        if response.status_code in _OF_PROXIES:
            return CommandFailed(
                f"A proxy answers at {self._url} that it reaches no server (status {response.status_code}). "
                "Try again when Carillon is up behind it, or name another server with --url or CARILLON_URL."
            )
        return CommandFailed(
            f"What answers at {self._url} does not speak Carillon's API (status {response.status_code}). "
            "Name another server with --url or CARILLON_URL."
        )


class _Bearer(requests.auth.AuthBase):
    """Shows a token or a key, whatever else the environment knows about the host."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}".encode().decode("latin-1")  # the server reads bytes of UTF-8

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class _Members(Json):
    """The members of an answer. Raises if a member is missing that every Carillon sends: the server is another one."""

    def __init__(self, members: Json, otherwise: CommandFailed) -> None:
        super().__init__(members)
        self._otherwise = otherwise

    def __missing__(self, _name: str) -> NoReturn:
        raise self._otherwise


def _as_sent(body: Any) -> bytes:
    """A body as JSON. Raises `WrongInput` naming each value that JSON does not have."""
    try:
        return json_text.compact(json_text.checked(body))
    except InvalidInput as refusal:
        raise WrongInput(*(f"{one.field} {one.message}" for one in refusal.fields)) from None
    except json_text.TooDeep as error:
        raise WrongInput(f"What is to be sent {error}.") from None


def _faults(problem: Json) -> list[str]:
    listed = problem.get("errors")
    wrong = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [f"{one['field']} {one['message']}" for one in wrong if "field" in one and "message" in one]


def _is_here(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
