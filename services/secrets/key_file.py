"""The key of a server on one machine, which is given no SECRET_KEYS: made at its first start, kept in its folder."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet
from pydantic import SecretStr

from core import secret_keys
from services.runtime import durable
from settings import ConfigurationError, Settings

NAME = "secret.key"
_OWNER_ONLY = 0o600
_OTHERS = 0o077


def with_key(settings: Settings) -> Settings:
    """Returns the settings, with the key of the data folder if they name none. Raises as `keys` does."""
    return settings.model_copy(update={"secret_keys": SecretStr(keys(settings))})


def keys(settings: Settings) -> str:
    """Returns the keys that the settings name, else that of the data folder, made if there is none.

    Raises `ConfigurationError` if the file cannot be used.
    """
    if settings.secret_keys is not None:
        return settings.secret_keys.get_secret_value()
    path = settings.data_dir / NAME
    try:
        found = _kept(path) or _made(path)
        secret_keys.listed(found)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigurationError(f"{path}, the key of this folder's secrets, cannot be used: {reason}") from None
    return found


def _kept(path: Path) -> str | None:
    """What the file holds. Raises `ValueError` if others may read it."""
    try:
        with path.open(encoding="ascii") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise ValueError(f"others may read it; let `chmod 600 {path}` take that away.")
            text = file.read().strip()
    except FileNotFoundError:
        return None
    if not text:
        raise ValueError("it is empty; put back the key that it held, or remove it where no secret was stored.")
    return text


def _made(path: Path) -> str:
    """Make a key, whole and on the disk before it has its name: a secret must never outlive its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    key = Fernet.generate_key()
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "wb") as file:
        os.fchmod(file.fileno(), _OWNER_ONLY)
        file.write(key + b"\n")
        durable.sync(file)
    new.rename(path)
    durable.sync_folder(path.parent)
    return key.decode("ascii")
