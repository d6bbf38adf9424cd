"""Trace contexts: what is taken of the headers of W3C Trace Context, and what is ignored."""

from __future__ import annotations

from uuid import UUID

import pytest

from core import trace_context
from core.trace_context import TraceContext

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
RUN_ID = UUID("019abcde-0000-7000-8000-0000000000aa")


@pytest.mark.parametrize(
    ("traceparent", "is_sampled"),
    [
        (GOOD, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"  {GOOD}\t", True),
        (f"00-{TRACE}-{SPAN}-ff", True),  # of the flags, one is known
        (f"00-{TRACE}-{SPAN}-fe", False),
        (f"cc-{TRACE}-{SPAN}-01", True),
        (f"01-{TRACE}-{SPAN}-01-what.comes.later", True),
    ],
)
def test_a_context_is_taken(traceparent: str, is_sampled: bool) -> None:
    assert trace_context.parsed(traceparent) == TraceContext(TRACE, SPAN, is_sampled)


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "00",
        GOOD.upper(),
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"{GOOD}-more",
        f"{GOOD}-",
        f"{GOOD}0",
        f"ff-{TRACE}-{SPAN}-01",
        f"01-{TRACE}-{SPAN}-01.more",
        f"{GOOD},{GOOD}",
        f"{GOOD}\n",
        f"00_{TRACE}_{SPAN}_01",
    ],
)
def test_a_malformed_context_is_ignored(traceparent: str | None) -> None:
    assert trace_context.parsed(traceparent, "a=1") is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", ""),
        ("congo=t61rcWkgMzE", "congo=t61rcWkgMzE"),
        ("rojo=00f067aa0ba902b7 ,\tcongo=a b,", "rojo=00f067aa0ba902b7,congo=a b"),
        ("fw529a3039@dt=FfAw", "fw529a3039@dt=FfAw"),
        (f"a={'x' * 256}", f"a={'x' * 256}"),
        (f"a={'x' * 254},b={'y' * 253}", f"a={'x' * 254},b={'y' * 253}"),
        (",".join(f"k{n}=1" for n in range(32)), ",".join(f"k{n}=1" for n in range(32))),
    ],
)
def test_a_state_is_kept_beside_the_context(given: str, kept: str) -> None:
    found = trace_context.parsed(GOOD, given)
    assert found == TraceContext(TRACE, SPAN, is_sampled=True, state=kept)
    assert found is not None
    assert trace_context.read(found.text) == found
    assert found.headers == {"traceparent": GOOD, **({"tracestate": kept} if kept else {})}


@pytest.mark.parametrize(
    "given",
    [
        "congo",
        "congo=",
        "=1",
        "A=1",
        "a=1=2",
        "a=\u00fc",
        "a=1;b=2\n",
        "a=1,a=2",
        "1a=1",
        "a@b@c=1",
        f"a={'x' * 257}",
        f"a={'x' * 255},b={'y' * 254}",
        ",".join(f"k{n}=1" for n in range(33)),
    ],
)
def test_a_malformed_state_is_left_out_and_the_context_stays(given: str) -> None:
    assert trace_context.parsed(GOOD, given) == TraceContext(TRACE, SPAN, is_sampled=True)


def test_a_child_is_another_span_of_the_same_trace() -> None:
    parent = TraceContext(TRACE, SPAN, is_sampled=True, state="a=1")
    assert parent.child("b" * 16) == TraceContext(TRACE, "b" * 16, is_sampled=True, state="a=1")


def test_nothing_stored_is_no_context() -> None:
    assert trace_context.read(None) is None


def test_a_run_without_a_trace_has_one_of_its_own_that_is_always_the_same() -> None:
    own = trace_context.id_of(None, RUN_ID)
    assert own == trace_context.own_trace_id(RUN_ID) == trace_context.own_trace_id(UUID(str(RUN_ID)))
    parent = TraceContext(own, trace_context.own_span_id(RUN_ID))
    assert trace_context.read(parent.text) == parent
    assert trace_context.id_of(GOOD, RUN_ID) == TRACE


def test_the_ids_of_own_traces_are_spread_as_samplers_need_it() -> None:
    lower = [int(trace_context.own_trace_id(UUID(int=RUN_ID.int + n))[16:], 16) for n in range(400)]
    assert 100 < sum(one < 2**63 for one in lower) < 300
