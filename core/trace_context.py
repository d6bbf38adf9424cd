"""Trace contexts (W3C Trace Context): which trace a request belongs to, and which span of it sent the request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
NAMES = frozenset({TRACEPARENT, TRACESTATE})
LONGEST_STATE = 512
TRACE_ID = "{trace_id}"  # where the id goes in TRACE_URL

_SAMPLED = 0x01
_MAX_MEMBERS = 32
# A later version begins as this one, and may go on after a hyphen.
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEY = r"(?:[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(rf"({_KEY})={_VALUE}")


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A position in a trace: the trace, one of its spans, whether it is sampled, and the state of tracing systems."""

    trace_id: str
    span_id: str
    is_sampled: bool = False
    state: str = ""

    @property
    def text(self) -> str:
        """Returns the context as it is stored, and as `read` takes it."""
        return f"{self.traceparent} {self.state}" if self.state else self.traceparent

    @property
    def traceparent(self) -> str:
        """Returns the value of the header of that name."""
        return f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.is_sampled else 0:02x}"

    @property
    def headers(self) -> dict[str, str]:
        """Returns the headers by which a request carries the context."""
        of_trace = {TRACEPARENT: self.traceparent}
        return {**of_trace, TRACESTATE: self.state} if self.state else of_trace

    def child(self, span_id: str) -> TraceContext:
        """Returns the place of another span in the same trace."""
        return replace(self, span_id=span_id)


def parsed(traceparent: str | None, tracestate: str | None = None) -> TraceContext | None:
    """Returns the context in two headers, or None: a malformed one is ignored, as the standard requires."""
    found = _TRACEPARENT.fullmatch((traceparent or "").strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED), _state(tracestate or ""))


def is_named(names: Iterable[str]) -> bool:
    """Returns whether one of these names, of headers or variables, is that of a header here, in whatever case."""
    return any(name.lower() in NAMES for name in names)


def read(stored: str | None) -> TraceContext | None:
    """Returns the context of a text that `TraceContext.text` made."""
    if stored is None:
        return None
    traceparent, _, state = stored.partition(" ")
    return parsed(traceparent, state)


def id_of(stored: str | None, run_id: UUID) -> str:
    """Returns the id of the trace that a run belongs to: the one in which it was created, else its own."""
    found = read(stored)
    return own_trace_id(run_id) if found is None else found.trace_id


def own_trace_id(run_id: UUID) -> str:
    """Returns the id of the trace that a run begins by itself, which is derived from the run's id.

    It is a hash, because samplers decide by bits that are not random in the ids of runs.
    """
    return hashlib.blake2b(run_id.bytes, digest_size=16).hexdigest()


def own_span_id(run_id: UUID) -> str:
    """Returns the id of the first span of the trace that a run begins by itself."""
    return hashlib.blake2b(run_id.bytes, digest_size=8).hexdigest()


def _state(given: str) -> str:
    """Returns a list of members without spaces between them; nothing if it is malformed, or too long to be kept."""
    members = [member for member in (one.strip(" \t") for one in given.split(",")) if member]
    found = [_MEMBER.fullmatch(member) for member in members]
    keys = {one[1] for one in found if one is not None}
    state = ",".join(members)
    is_well_formed = len(keys) == len(members) <= _MAX_MEMBERS and len(state) <= LONGEST_STATE
    return state if is_well_formed else ""
