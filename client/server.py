"""The HTTP side: one server, its problems and its absence told as errors of ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from client.errors import CommandFailed, Refused

PAGE = 100
TIMEOUT_SECONDS = (5.0, 60.0)  # to connect, to answer

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the server answered: a JSON object (empty where there is none), and the ETag it came with."""

    body: Json
    etag: str | None


class Server:
    """The API at a URL. Every method raises `CommandFailed` when there is no good answer."""

    def __init__(self, url: str, secret: str | None) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = not _is_here(url)  # a proxy does not know this machine's own address
        if secret:
            self._session.headers["X-Internal-Secret"] = secret

    def get(self, path: str, **parameters: Any) -> Json:
        """What is at a path; parameters that are None are left out."""
        return self.ask("GET", path, parameters=parameters).body

    def post(self, path: str, body: Any = None, **headers: str) -> Json:
        """What a POST answers."""
        return self.ask("POST", path, body, headers).body

    def pages(self, path: str, **parameters: Any) -> Iterator[Json]:
        """The pages of a list, one after the other."""
        page = self.get(path, **parameters)
        yield page
        while page.get("next"):
            page = self.get(page["next"])
            yield page

    def every(self, path: str, **parameters: Any) -> Iterator[Json]:
        """Everything in a list."""
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
        """The answer to a request."""
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        try:
            response = self._session.request(
                method,
                self._url + path,
                params=given,
                json=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,  # the secret is for this server
            )
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema):
            raise CommandFailed(
                f"{self._url!r} is no server's address; write for example http://127.0.0.1:8000."
            ) from None
        except requests.RequestException as error:
            raise CommandFailed(
                f"No server answers at {self._url} ({type(error).__name__}). Start one with ./run, "
                "or name another with --url or CARILLON_URL."
            ) from None
        return self._read(response)

    def _read(self, response: requests.Response) -> Answer:
        try:
            body = response.json() if response.content else {}
        except ValueError:
            body = None
        if not isinstance(body, dict) or (response.status_code >= 300 and "title" not in body):  # noqa: PLR2004
            raise CommandFailed(
                f"What answers at {self._url} does not speak Carillon's API (status {response.status_code}). "
                "Name another server with --url or CARILLON_URL."
            )
        if response.ok:
            return Answer(body, response.headers.get("ETag"))
        faults = [f"{fault['field']} {fault['message']}" for fault in body.get("errors", [])]
        raise Refused(response.status_code, body["title"], body.get("detail", ""), faults)


def _is_here(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
