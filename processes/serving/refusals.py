"""Answers that the server gives by itself, before it asks the application."""

from __future__ import annotations

import json
from http import HTTPStatus


def problem(status: HTTPStatus, detail: str) -> bytes:
    """Returns an answer with a problem detail (RFC 9457), after which the connection is closed."""
    content = json.dumps({"type": "about:blank", "status": status, "title": status.phrase, "detail": detail}).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + content
