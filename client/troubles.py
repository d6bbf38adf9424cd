"""Explains requests that got no answer: whose fault it is, in a line with the remedy."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests
from requests import exceptions
from urllib3.exceptions import HTTPError, LocationParseError, NameResolutionError

from client.errors import CommandFailed, WrongInput

Trouble = requests.RequestException | HTTPError | UnicodeError
TROUBLES = (requests.RequestException, HTTPError, UnicodeError)

_OTHER = "name another with --url or CARILLON_URL."
_UNUSABLE = (
    exceptions.InvalidURL,
    exceptions.MissingSchema,
    exceptions.InvalidSchema,
    exceptions.InvalidProxyURL,
    UnicodeError,
)


def command_failed(url: str, trouble: Trouble) -> CommandFailed:
    """Returns the error for a request that brought no answer."""
    place = _without_password(url)
    if isinstance(trouble, _UNUSABLE) or isinstance(_innermost(trouble), LocationParseError):
        return WrongInput(f"{place!r} is no server's address; write for example http://127.0.0.1:8000.")
    return CommandFailed(_sentence(place, trouble))


def _sentence(place: str, trouble: Trouble) -> str:
    match trouble:
        case exceptions.ProxyError():
            return (
                f"The proxy between here and {place} failed ({_reason(trouble)}). "
                "Look at HTTP_PROXY, HTTPS_PROXY and NO_PROXY."
            )
        case exceptions.SSLError():
            return (
                f"There is no trusted TLS connection to {place} ({_reason(trouble)}). "
                "Look at the server's certificate, or write http:// where the server has no TLS."
            )
        case exceptions.ReadTimeout():
            return (
                f"The server at {place} took the request but does not answer in time. "
                "It may still carry it out: look before you ask again."
            )
        case exceptions.ConnectTimeout():
            return f"No server answers at {place} in time. Look whether it can be reached from here, or {_OTHER}"
    return _of_connection(place, _innermost(trouble))


def _of_connection(place: str, cause: BaseException) -> str:
    match cause:
        case NameResolutionError():
            return f"The host's name in {place} is not known here. Check its spelling, or {_OTHER}"
        case ConnectionRefusedError() | OSError(errno=int()) if not isinstance(cause, ConnectionResetError):
            return (
                f"No server answers at {place} ({cause.strerror or type(cause).__name__}). "
                f"Start one with ./run, or {_OTHER}"
            )
        case _:
            return (
                f"What listens at {place} breaks the connection off or does not speak HTTP ({_reason(cause)}). "
                f"Is it https://? If it is no Carillon, {_OTHER}"
            )


def _innermost(trouble: BaseException) -> BaseException:
    """Returns the innermost fault that libraries have wrapped; an unknown host name counts as one itself."""
    cause: BaseException | None = trouble
    while cause is not None and not isinstance(cause, NameResolutionError):
        trouble = cause
        cause = _within(cause)
    return trouble if cause is None else cause


def _within(wrapper: BaseException) -> BaseException | None:
    reason = getattr(wrapper, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    inner = [one for one in wrapper.args if isinstance(one, BaseException)]
    if inner:
        return inner[-1]
    return wrapper.__cause__ if isinstance(wrapper, HTTPError) else None


def _reason(trouble: BaseException) -> str:
    inner = _innermost(trouble)
    text = getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or getattr(inner, "strerror", "")
    return str(text or type(inner).__name__)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
