"""SECRET_KEYS: refused at the start where it is wrong, and made by a server on one machine that is given none."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from core.errors import Misconfigured
from services.secrets import key_file, sealing
from settings import ConfigurationError, Settings, load

KEY, FORMER_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_the_first_key_seals_and_all_of_them_open() -> None:
    former, both = load({"SECRET_KEYS": FORMER_KEY}), load({"SECRET_KEYS": f"{KEY}, {FORMER_KEY}"})
    assert sealing.unseal(both, sealing.seal(former, b"x")) == b"x"
    assert sealing.unseal(load({"SECRET_KEYS": KEY}), sealing.resealed(both, sealing.seal(former, b"x"))) == b"x"
    with pytest.raises(Misconfigured, match="not in SECRET_KEYS"):
        sealing.unseal(former, sealing.seal(both, b"x"))


@pytest.mark.parametrize(
    "wrong",
    ["canary", f"{KEY},canary", KEY[:-4], f"{KEY}\u00fc", ","],
    ids=["a word", "a word after a key", "too short", "beyond ASCII", "only a comma"],
)
def test_what_is_no_key_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^SECRET_KEYS .*Make one|^SECRET_KEYS names no key") as refused:
        load({"SECRET_KEYS": wrong})
    assert "canary" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_a_key_is_not_shown_with_the_settings() -> None:
    assert KEY not in repr(load({"SECRET_KEYS": KEY}))


def test_a_folder_keeps_the_key_that_its_first_start_made(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    sealed = sealing.seal(key_file.with_key(settings), b"x")
    assert sealing.unseal(key_file.with_key(settings), sealed) == b"x"
    assert (settings.data_dir / key_file.NAME).stat().st_mode & 0o777 == 0o600


def test_a_key_that_is_set_needs_no_file(tmp_path: Path) -> None:
    assert key_file.keys(Settings(data_dir=tmp_path, secret_keys=SecretStr(KEY))) == KEY
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [("", 0o600, "is empty"), ("x", 0o600, "no Fernet key"), (KEY, 0o640, "chmod 600")],
    ids=["empty", "no key", "read by others"],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, mode: int, says: str) -> None:
    file = tmp_path / key_file.NAME
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(ConfigurationError, match=says) as refused:
        key_file.keys(Settings(data_dir=tmp_path))
    assert KEY not in str(refused.value)
    assert file.read_text() == text
