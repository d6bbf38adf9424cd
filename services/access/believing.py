"""Sessions of requests that believe the installation's own authorities too, and heed nothing of the environment."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, TypeVar

import certifi
import requests
from requests.adapters import HTTPAdapter

Session = TypeVar("Session", bound=requests.Session)


class _Believing(HTTPAdapter):
    """Believes the system's authorities, certifi's and those of the installation."""

    def __init__(self, ca_bundle: Path | None) -> None:
        self._context = ssl.create_default_context()
        self._context.load_verify_locations(certifi.where())
        if ca_bundle is not None:
            self._context.load_verify_locations(ca_bundle)
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, ssl_context=self._context)


def believing(session: Session, ca_bundle: Path | None) -> Session:
    """Returns a session that takes no proxy and no password of the environment, and believes these authorities."""
    session.trust_env = False
    session.mount("https://", _Believing(ca_bundle))
    return session
