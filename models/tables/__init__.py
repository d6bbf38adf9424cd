"""The tables as peewee sees them. Constraints and indexes are in `migrations/`, each with its reason."""

from __future__ import annotations

from models.tables.access import AppKey, AppMember
from models.tables.apps import App, AppQuotas, AppSender, AppTaskType, Installation
from models.tables.audit import AuditEntry
from models.tables.base import Table, db
from models.tables.changes import Change
from models.tables.jobs import Job, JobTag, JobVersion, PollingState
from models.tables.limits import Breaker, HeldKey, Limit, Use
from models.tables.operation import IdempotencyKey, Minute, MinuteHold, PauseEnd, Process, RequestBucket, Signal, Worker
from models.tables.outputs import Alert, Delivery, Upload
from models.tables.runs import AnyAttempt, Attempt, DismissedFailure, KeptCall, Run, RunHold, RunLine
from models.tables.secrets import AppSecret, SigningSecret
from models.tables.users import KnownAddress, Link, Token, User, UserIdentity
from models.tables.views import SavedView

# Every table that a test may empty; `installation` keeps its row.
ALL: tuple[type[Table], ...] = (
    App,
    AppQuotas,
    AppTaskType,
    AppSender,
    SigningSecret,
    AppSecret,
    User,
    Token,
    KnownAddress,
    Link,
    UserIdentity,
    SavedView,
    AppMember,
    AppKey,
    AuditEntry,
    Job,
    JobTag,
    JobVersion,
    PollingState,
    Run,
    Attempt,
    DismissedFailure,
    RunHold,
    KeptCall,
    RunLine,
    Upload,
    Delivery,
    Alert,
    Limit,
    Use,
    Breaker,
    HeldKey,
    PauseEnd,
    Process,
    Worker,
    Signal,
    IdempotencyKey,
    RequestBucket,
    Minute,
    MinuteHold,
    Change,
)

__all__ = [
    "ALL",
    "Alert",
    "AnyAttempt",
    "App",
    "AppKey",
    "AppMember",
    "AppQuotas",
    "AppSecret",
    "AppSender",
    "AppTaskType",
    "Attempt",
    "AuditEntry",
    "Breaker",
    "Change",
    "Delivery",
    "DismissedFailure",
    "HeldKey",
    "IdempotencyKey",
    "Installation",
    "Job",
    "JobTag",
    "JobVersion",
    "KeptCall",
    "KnownAddress",
    "Limit",
    "Link",
    "Minute",
    "MinuteHold",
    "PauseEnd",
    "PollingState",
    "Process",
    "RequestBucket",
    "Run",
    "RunHold",
    "RunLine",
    "SavedView",
    "Signal",
    "SigningSecret",
    "Table",
    "Token",
    "Upload",
    "Use",
    "User",
    "UserIdentity",
    "Worker",
    "db",
]
