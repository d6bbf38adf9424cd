"""An application that calls the API through every outage, and notes what it sent and was answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from bench.chaos.journal import Answer, Journal, Post, Request

_TIMEOUT_SECONDS = 20.0
_REST_SECONDS = 0.3
_GIVE_UP_SECONDS = 60.0
_AGAIN = (409, 503)  # the same key is in flight; the database is away
_GOOD = range(200, 300)
_TOLD = 300


class Caller:
    """Sends requests, each thread over a connection of its own."""

    def __init__(self, url: str, journal: Journal) -> None:
        self.url = url
        self._journal = journal
        self._local = threading.local()

    def post(self, number: int, body: Mapping[str, Any]) -> str | None:
        """Create a job once, without a key. Returns its id, if it was answered."""
        answer = self._send("POST", "/api/jobs/create", json=body)
        return self._note(number, answer)

    def post_with_key(self, number: int, body: Mapping[str, Any]) -> str | None:
        """Create a job with a key, however often it takes; then send it again, the same and changed."""
        key = f"key-{number}"
        job_id = None
        until = time.monotonic() + _GIVE_UP_SECONDS
        while job_id is None and time.monotonic() < until:
            answer = self._send("POST", "/api/jobs/create", json=body, headers={"Idempotency-Key": key})
            job_id = self._note(number, answer, key)
            if job_id is None:
                time.sleep(_REST_SECONDS)
        if job_id is not None:
            again = self._send("POST", "/api/jobs/create", json=body, headers={"Idempotency-Key": key})
            self._note(number, again, key)
            changed = {**body, "title": "changed"}
            refused = self._send("POST", "/api/jobs/create", json=changed, headers={"Idempotency-Key": key})
            self._note(number, refused, key, changed=True)
        return job_id

    def post_many(self, numbered: Mapping[int, Mapping[str, Any]]) -> None:
        """Create these jobs by one request."""
        answer = self._send("POST", "/api/jobs/bulk", json={"jobs": list(numbered.values())})
        ids: list[str | None] = [None] * len(numbered)
        if answer is not None and _is_good(answer):
            ids = [str(one["id"]) for one in answer.json()["results"]]
        status = None if answer is None else answer.status_code
        for number, job_id in zip(numbered, ids, strict=True):
            self._journal.posts.append(Post(number, status, job_id))

    def upload(self, name: str, content: bytes) -> None:
        """Upload a file, and note its job."""
        answer = self._send("POST", "/api/jobs/upload-file", files={"file": (name, content)}, data={})
        if answer is not None and _is_good(answer):
            self._journal.uploads[str(answer.json()["id"])] = content

    def ask(self, kind: str, job_id: str, edition: int | None = None) -> None:
        """Cancel, delete or edit a job; noted only if it was answered well."""
        sent = time.time()
        answer = self._asked(kind, job_id, edition)
        if answer is not None and _is_good(answer):
            self._journal.requests.append(Request(kind, job_id, sent, time.time(), edition))

    def backfill(self, job_id: str) -> None:
        """Ask to run the last half minute of a recurring job."""
        now = datetime.now(UTC)
        span = {"from": (now - timedelta(seconds=30)).isoformat(), "to": now.isoformat()}
        self._send("POST", f"/api/jobs/{job_id}/backfill", json=span)

    def download(self, job_id: str) -> bytes | None:
        """Returns the file that an upload's job has stored."""
        link = self._send("GET", f"/api/jobs/{job_id}/download-url")
        if link is None or not _is_good(link):
            return None
        return requests.get(link.json()["download_url"], timeout=_TIMEOUT_SECONDS).content

    def _asked(self, kind: str, job_id: str, edition: int | None) -> requests.Response | None:
        path = f"/api/jobs/{job_id}"
        match kind:
            case "cancel":
                return self._send("POST", f"{path}/cancel")
            case "delete":
                return self._send("DELETE", path)
            case _:
                patch = {"data": {"edition": edition}}
                return self._send("PATCH", path, json=patch, headers={"Content-Type": "application/merge-patch+json"})

    def _note(
        self, number: int, answer: requests.Response | None, key: str | None = None, *, changed: bool = False
    ) -> str | None:
        good = answer is not None and _is_good(answer)
        job_id = str(answer.json()["id"]) if answer is not None and good else None
        status = None if answer is None else answer.status_code
        if status not in _AGAIN:
            self._journal.posts.append(Post(number, status, job_id, key, changed))
        return job_id

    def _send(self, method: str, path: str, **more: Any) -> requests.Response | None:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        sent = time.time()
        try:
            answer = session.request(method, f"{self.url}{path}", timeout=_TIMEOUT_SECONDS, **more)
        except requests.RequestException:
            return None
        says_when, told = "Retry-After" in answer.headers, "" if _is_good(answer) else answer.text[:_TOLD]
        self._journal.answers.append(Answer(f"{method} {path}", sent, time.time(), answer.status_code, says_when, told))
        return answer


def _is_good(answer: requests.Response | None) -> bool:
    return answer is not None and answer.status_code in _GOOD
