"""The secrets that an app's requests are signed with: made, exchanged, deleted; shown once, when they are made."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core import request_signatures
from core.auditing import Thing
from core.errors import Conflict, InvalidInput, NotFound
from core.principals import Principal
from core.scopes import Scope
from models import database, signing_secrets
from models.pauses import Gate
from models.tables import SigningSecret
from services.access import visible_apps
from services.secrets import sealing
from services.system import System


@dataclass(frozen=True)
class SigningSecretView:
    """A signing secret as it is shown: its beginning and end."""

    id: UUID
    masked: str
    created_at: datetime


def make_first(system: System, app_id: UUID) -> bytes | None:
    """Make an app's first secret within the caller's transaction, and return its key; None where no key can seal it."""
    if not sealing.is_possible(system.settings):
        return None
    key = _new_key()
    _store(system, app_id, key, system.clock.now())
    return key


def of_app(principal: Principal, name: str) -> list[SigningSecretView]:
    """Returns an app's secrets, newest first. Raises `NotFound` and `Forbidden` as `visible_apps.found`."""
    with database.reading():
        return [_view(row) for row in signing_secrets.of_app(visible_apps.found(principal, name, Scope.APP).id)]


def add(principal: Principal, system: System, name: str, secret: str | None) -> tuple[SigningSecretView, str, bool]:
    """Make a new secret sign beside the former one; all older ones go. Returns it, its text, and whether it is new.

    One that is given and signs already stays as it is. Raises `InvalidInput` for what is no secret, `NotFound`, and
    `Forbidden` but to those who may change the app, and where no key can seal it.
    """
    key = _new_key() if secret is None else _checked(secret)
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.found(principal, name, Scope.APP)
        signing_secrets.lock(app.id)
        rows = signing_secrets.of_app(app.id)
        known = None if secret is None else _known(system, rows, key)
        row = known or _store(system, app.id, key, unit.now)
        if known is None:
            signing_secrets.delete([one.id for one in rows[signing_secrets.SIGNING - 1 :]])
            unit.audit(principal, "signing_secret.created", Thing("signing_secret", str(row.id), app.id))
    return _view(row), request_signatures.secret_of(key), known is None


def delete(principal: Principal, system: System, name: str, secret_id: UUID) -> None:
    """Delete a signing secret. Raises `Conflict` for the last one, the rest as `visible_apps.found`."""
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.found(principal, name, Scope.APP)
        signing_secrets.lock(app.id)
        rows = signing_secrets.of_app(app.id)
        if secret_id not in {row.id for row in rows}:
            raise NotFound("signing secret", secret_id)
        if len(rows) == 1:
            raise Conflict(
                f"The signing secret {secret_id} is the only one of {app.name}; POST a new one, then delete this one."
            )
        signing_secrets.delete([secret_id])
        unit.audit(principal, "signing_secret.deleted", Thing("signing_secret", str(secret_id), app.id))


def _new_key() -> bytes:
    return secrets.token_bytes(request_signatures.NEW_BYTES)


def _checked(secret: str) -> bytes:
    try:
        return request_signatures.key_of(secret)
    except ValueError as error:
        raise InvalidInput.at("secret", str(error)) from None


def _known(system: System, rows: list[SigningSecret], key: bytes) -> SigningSecret | None:
    """The row of a secret among those that sign, if it is one of them."""
    hint = request_signatures.hint_of(key)
    alike = (row for row in rows[: signing_secrets.SIGNING] if row.hint == hint)
    return next((row for row in alike if sealing.unseal(system.settings, row.sealed) == key), None)


def _store(system: System, app_id: UUID, key: bytes, now: datetime) -> SigningSecret:
    return signing_secrets.add(app_id, sealing.seal(system.settings, key), request_signatures.hint_of(key), now)


def _view(row: SigningSecret) -> SigningSecretView:
    return SigningSecretView(row.id, request_signatures.masked(row.hint), row.created_at)
