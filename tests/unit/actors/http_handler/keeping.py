"""Counts the connections that are kept."""

from __future__ import annotations

from actors.calls import http


def kept() -> int:
    return len(http.kept)
