"""Headers of requests that carry a secret in plain: masked where a request is shown, put back where it comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import masking
from services.task_types.http import KEY


def masked(request: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Returns a request as it is shown."""
    headers = _headers(request)
    return request if request is None or not headers else {**request, "headers": masking.masked(headers)}


def restored(request: Mapping[str, Any] | None, stored: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Returns a request that may have come back as it was shown, with the headers that are stored behind the masks."""
    headers = _headers(request)
    if request is None or not headers:
        return request
    return {**request, "headers": masking.restored(headers, _headers(stored))}


def masked_data(task_type: str, data: Any) -> Any:
    """Returns a job's data as it is shown."""
    return masked(data) if task_type == KEY and isinstance(data, Mapping) else data


def restored_data(task_type: str, data: Any, stored: Any) -> Any:
    """Returns a job's data that may have come back as it was shown, as it is to be stored."""
    return restored(data, stored) if task_type == KEY and isinstance(data, Mapping) else data


def _headers(request: Any) -> Mapping[str, Any]:
    headers = request.get("headers") if isinstance(request, Mapping) else None
    return headers if isinstance(headers, Mapping) else {}
