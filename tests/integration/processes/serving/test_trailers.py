"""What follows a body says nothing about who sent it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import given_system
from tests.integration.api.client import served
from tests.unit.processes.serving.connections import END, POST, Application, Connection, tried

SECRET = "known to the operator"  # noqa: S105
SHOWN = f"Authorization: Bearer {SECRET}\r\n".encode()


class Served(Application):
    """The API of an installation with a secret."""

    def __init__(self) -> None:
        super().__init__()
        self._app = served(given_system(internal_secret=SECRET))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls += 1
        await self._app(scope, receive, send)


@pytest.mark.parametrize(
    ("header", "trailer", "status"), [(SHOWN, b"", 400), (b"", SHOWN, 401)], ids=["as a header", "as a trailer"]
)
def test_a_secret_counts_as_a_header_alone(sqlite: str, header: bytes, trailer: bytes, status: int) -> None:
    async def client(connection: Connection) -> bool:
        head = POST.replace(b"/", b"/api/jobs/create", 1) + b"Transfer-Encoding: chunked\r\n" + header + END
        await connection.send(head + b"2\r\n{}\r\n0\r\n" + trailer + END)
        return (await connection.answer())[0] == status

    assert tried(client, Served()) == 1
