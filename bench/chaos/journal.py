"""What the driver and the receiver note while a chaos run lasts. Instants are those of this machine's clock."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass
class Call:
    """One callback: what was sent, when it was under way (`ended` None while it is), and its answer, if it had one."""

    run_id: str
    job_id: str
    key: str
    attempt: int
    task_type: str
    started: float
    polls: int | None = None
    edition: int | None = None
    ended: float | None = None
    status: int | None = None


@dataclass(frozen=True)
class Post:
    """One POST of a job: its number, what it carried, and what was answered (None: nothing)."""

    number: int
    status: int | None
    job_id: str | None = None
    key: str | None = None
    changed: bool = False


@dataclass(frozen=True)
class Answer:
    """Any answer of the API: to what, when that was sent and answered, and whether it says when to ask again.

    `told` is how a refusal begins.
    """

    to: str
    sent: float
    answered: float
    status: int
    says_when: bool = False
    told: str = ""


@dataclass(frozen=True)
class Request:
    """A cancel, delete or edit that was answered well: the instants at which it was sent and answered."""

    kind: str
    job_id: str
    sent: float
    answered: float
    edition: int | None = None


@dataclass(frozen=True)
class Report:
    """A report of a receiver that answered 202, and what it was answered."""

    run_id: str
    attempt: int
    status: int


@dataclass(frozen=True)
class Fault:
    """Something that was broken, from when to when; `target` is the process, if it is one."""

    kind: str
    began: float
    ended: float
    target: str = ""


@dataclass(frozen=True)
class Told:
    """One event of a live channel: `run` with its id, status and attempts, `job` with its id and status, or `reset`.

    `at` is when it was heard.
    """

    kind: str
    as_of: int
    id: str = ""
    status: str = ""
    attempts: int = 0
    at: float = 0.0


@dataclass(frozen=True)
class Sample:
    """A process's memory in megabytes, or how many connections a kind of process has to the database."""

    of: str
    megabytes: float = 0.0
    connections: int = 0


@dataclass
class Journal:
    """Everything noted; each list only grows. Appending to a list is safe from any thread."""

    calls: list[Call] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    told: dict[str, list[Told]] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)
