"""Which address a run calls: decided here for the call itself, its limits, its breaker, and what is shown of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.hot.rows import ExecutedJob
from services.task_types import http
from settings import Settings


@dataclass(frozen=True)
class Target:
    """The address that a run calls (None if it has none), and how.

    `request` is the request that the app maps the task type to, where it is sent. `is_at_base` says that the address is
    built from CALLBACK_BASE_URL, whose network is open to such calls only.
    """

    url: str | None
    is_callback: bool = False
    request: dict[str, Any] | None = None
    is_at_base: bool = False


def of(
    settings: Settings,
    task_type: str,
    *,
    callback_url: str | None,
    request: dict[str, Any] | None,
    base_url: str | None,
    data: Any,
) -> Target:
    """Returns what a job of this task type calls with this data.

    Its own callback URL goes before the request that its app maps the task type to. A job of the type `http` has no
    callback, whatever its callback URL: it calls the URL in its data. All others call back their app's base or the
    installation's.
    """
    if request is not None and callback_url is None:
        return Target(_url_in(request), request=request)
    if task_type == http.KEY:
        return Target(_url_in(data))
    if callback_url is not None:
        return Target(callback_url, is_callback=True)
    base = base_url or settings.callback_base_url
    url = None if base is None else f"{base.rstrip('/')}/internal/jobs/{task_type}"
    return Target(url, is_callback=True, is_at_base=not base_url)


def of_job(settings: Settings, job: ExecutedJob, data: Any) -> Target:
    """Returns what a run of a job calls with this data, which is the run's own or the job's."""
    return of(
        settings,
        job.task_type,
        callback_url=job.callback_url,
        request=job.policy.request,
        base_url=job.base_url,
        data=data,
    )


def _url_in(request: Any) -> str | None:
    url = request.get("url") if isinstance(request, Mapping) else None
    return url if isinstance(url, str) else None
