"""What a receiver says of its refusal, in the answer that an attempt keeps."""

from __future__ import annotations

import json
from typing import Any

MAX_SHOWN = 300
_MEMBERS = ("error", "detail", "message", "title")


def said(answer: str | None) -> str:
    """Returns what an answer says is wrong: the error that its JSON names, else its text; empty if there is none."""
    text = (answer or "").strip()
    try:
        value: Any = json.loads(text)
    except RecursionError:
        return ""
    except ValueError:
        return _short("" if text.startswith("<") else text)  # HTML is for browsers
    while isinstance(value, dict):
        value = next((value[name] for name in _MEMBERS if value.get(name)), None)
    return _short(value) if isinstance(value, str) else ""


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
