"""Queries on everything that is stored sealed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.tables import AppSecret, SigningSecret


def replace_all(resealed: Callable[[str], str]) -> int:
    """Replace every sealed secret by the result of a function. Returns how many there are.

    A secret that somebody else replaces meanwhile is left unchanged.
    """
    count = 0
    for one in SigningSecret.select():
        count += _replace(SigningSecret, one, resealed)
    for other in AppSecret.select():
        count += _replace(AppSecret, other, resealed)
    return count


def _replace(table: Any, row: Any, resealed: Callable[[str], str]) -> int:
    same = row._pk_expr() & (table.sealed == row.sealed)  # noqa: SLF001  peewee's own way, for every kind of key
    return int(table.update(sealed=resealed(row.sealed)).where(same).execute())
