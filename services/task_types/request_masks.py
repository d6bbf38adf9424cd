"""Secrets that a request carries in plain, in its headers and its address: masked where it is shown.

What comes back as it was shown, as in an edit of what was read, is replaced by what is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import masking, urls
from core.errors import InvalidInput
from services.task_types.http import KEY


def masked(request: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Returns a request as it is shown."""
    if request is None:
        return None
    headers, url = _headers(request), request.get("url")
    shown: dict[str, Any] = {"headers": masking.masked(headers)} if headers else {}
    if isinstance(url, str):
        shown["url"] = masking.addresses(url)
    return {**request, **shown} if shown else request


def restored(
    request: Mapping[str, Any] | None, stored: Mapping[str, Any] | None, within: str
) -> Mapping[str, Any] | None:
    """Returns a request that may have come back as it was shown, with what is stored behind the masks.

    Raises `InvalidInput` if the request goes elsewhere now: what is not shown is not sent to a place of one's choice.
    """
    if request is None:
        return None
    url, former = request.get("url"), None if stored is None else stored.get("url")
    if isinstance(url, str):
        request = {**request, "url": restored_address(url, former if isinstance(former, str) else None)}
    headers = _headers(request)
    if not headers:
        return request
    origin = urls.origin(request.get("url"))
    if origin is None:
        return request  # as it was shown, which its checks refuse, and they say what is wrong with the address
    whole = masking.restored(headers, _headers(stored))
    if stored is None or origin != urls.origin(former):
        _refuse_restored(headers, whole, within)
    return {**request, "headers": whole}


def masked_address(url: str | None) -> str | None:
    """Returns an address as it is shown."""
    return None if url is None else masking.addresses(url)


def restored_address(url: str | None, stored: str | None) -> str | None:
    """Returns an address that may have come back as it was shown: then the stored one."""
    return stored if stored is not None and url == masking.addresses(stored) else url


def masked_data(task_type: str, data: Any) -> Any:
    """Returns a job's data as it is shown."""
    return masked(data) if task_type == KEY and isinstance(data, Mapping) else data


def masked_own(data: Any) -> Any:
    """Returns a run's own data as shown, whatever the job's type is now: they may have been given for another."""
    return masked(data) if isinstance(data, Mapping) else data


def restored_data(task_type: str, data: Any, stored: Any) -> Any:
    """Returns a job's data that may have come back as it was shown, as it is to be kept. Raises as `restored` does."""
    if task_type != KEY or not isinstance(data, Mapping):
        return data
    return restored(data, stored if isinstance(stored, Mapping) else None, "data")


def _refuse_restored(shown: Mapping[str, Any], whole: Mapping[str, Any], within: str) -> None:
    for name, value in shown.items():
        if whole[name] != value:
            raise InvalidInput.at(
                f"{within}.headers.{name}",
                "is still masked, and the URL has another origin; give the value again.",
            )


def _headers(request: Any) -> Mapping[str, Any]:
    headers = request.get("headers") if isinstance(request, Mapping) else None
    return headers if isinstance(headers, Mapping) else {}
