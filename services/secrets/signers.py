"""Signers: who signs the requests of an app, with its newest secrets; looked up for many runs at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog

from core import request_signatures
from core.errors import Misconfigured, TransientFailure
from models import database, signing_secrets
from services.runtime.recent_values import RecentValues
from services.secrets import sealing, signing
from services.system import System

KNOWN_SECONDS = 5.0
_MAX_APPS = 10_000

log = structlog.get_logger()


@dataclass(frozen=True)
class Signer:
    """Signs an app's requests; `fault` says why it cannot, where its secrets cannot be opened."""

    keys: Sequence[bytes] = field(repr=False)
    fault: str | None = None

    def headers(self, message_id: str, at: datetime, body: bytes | None) -> dict[str, str]:
        """Returns the headers that sign a request. Raises `TransientFailure` where it cannot be signed.

        What is to be signed never goes out without: its receiver would refuse it for good.
        """
        if self.fault is not None:
            raise TransientFailure(f"The request cannot be signed: {self.fault}", was_called=False)
        return request_signatures.headers(self.keys, message_id, at, body or b"") if self.keys else {}


NOBODY = Signer(())
_recent: RecentValues[UUID, Signer] = RecentValues(KNOWN_SECONDS, _MAX_APPS)


def of_apps(system: System, app_ids: Collection[UUID]) -> Mapping[UUID, Signer]:
    """Returns who signs for each of these apps; one that has no secret yet gets its first, if there is a key for it.

    Read in the caller's transaction, and again after a few seconds only.
    """
    return _recent.of(app_ids, system.clock.monotonic(), lambda missing: _read(system, missing))


def _read(system: System, app_ids: Collection[UUID]) -> dict[UUID, Signer]:
    return {app_id: _signer(system, app_id, sealed) for app_id, sealed in signing_secrets.sealed(app_ids).items()}


def _signer(system: System, app_id: UUID, sealed: Sequence[str]) -> Signer:
    if not sealed:
        key = signing.make_first(system, app_id)
        database.or_undo(partial(_recent.forget, app_id))  # its secret is then stored nowhere
        return NOBODY if key is None else Signer((key,))
    try:
        return Signer([sealing.unseal(system.settings, one) for one in sealed])
    except Misconfigured as error:
        log.error("signing_secret_is_sealed", app_id=str(app_id), error=str(error))  # noqa: TRY400  says all
        return Signer((), str(error))
