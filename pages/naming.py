"""How pages name things: a job by its title, else its name, else its kind of task; a key of runs by its page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from core import limit_keys
from core.limit_keys import ACCOUNT, LimitKind, is_of_destination
from core.states import RunStatus

BREAKER_PATH = "/dashboard/queues/breaker"
LIMIT_PATH = "/dashboard/limits/of"
ACCOUNTS_PATH = "/dashboard/accounts"


def key_path(key: str) -> str:
    """Returns the page of a key that holds runs: that of its limit, or of its circuit breaker."""
    return f"{BREAKER_PATH if is_of_destination(key) else LIMIT_PATH}?{urlencode({'key': key})}"


def account_path(account_id: str, app_name: str | None = None) -> str:
    """Returns the page of an account, in one app or in all."""
    given = {"account_id": account_id} if app_name is None else {"app_name": app_name, "account_id": account_id}
    return f"{ACCOUNTS_PATH}/of?{urlencode(given)}"


def account_of_key(key: str) -> str | None:
    """Returns the page of the account that the key of a limit is on; None for keys of anything else."""
    app_name, slash, account_id = key.removeprefix(ACCOUNT).partition("/")
    return account_path(account_id, app_name) if key.startswith(ACCOUNT) and slash else None


def runs_of_wait(wait: Any) -> str:
    """Returns where the runs of a group that waits are listed."""
    held = {"held_by": wait.held_by, "held_key": wait.held_key}
    given = {"status": RunStatus.QUEUED, "app_name": wait.app_name, "account_id": wait.account_id, **held}
    return f"/dashboard/runs?{urlencode({name: value for name, value in given.items() if value is not None})}"


def called(one: Any) -> str:
    """Returns what a job is called, or the job of a run, a failure or whatever else has its title and name."""
    prefix = "job_" if hasattr(one, "job_name") else ""
    return getattr(one, f"{prefix}title") or getattr(one, f"{prefix}name") or str(one.task_type)


def limited(key: str) -> str:
    """Returns what the limit of this key is on, in words."""
    try:
        found = limit_keys.read(key)
    except ValueError:
        return "what a limit is on"
    match found.kind:
        case LimitKind.INSTALLATION:
            return "the installation"
        case LimitKind.APP:
            return f"the app {found.app_name}"
        case LimitKind.HOST | LimitKind.JOB:
            return f"the {found.kind} {found.name}"
        case LimitKind.ACCOUNT | LimitKind.KEY:
            return f"{'account' if found.kind is LimitKind.ACCOUNT else 'the key'} {found.name} of {found.app_name}"
