"""What the phases of a call are called."""

from __future__ import annotations

PHASES: dict[str, str] = {
    "look_up": "look-up",
    "connect": "connect",
    "tls": "TLS",
    "send": "send",
    "wait": "first byte after",
    "receive": "answer in",
}
"""The phases of a call."""

CUT_OFF: dict[str, str] = {"wait": "no byte of an answer within", "receive": "answer incomplete after"}
"""The phase in which a call ended without an answer."""


def phase(name: str, *, is_cut_off: bool) -> str:
    """Returns what a phase of a call is called; if no answer was complete, the last one is cut off."""
    plain = PHASES.get(name, name)
    return CUT_OFF.get(name, plain) if is_cut_off else plain
