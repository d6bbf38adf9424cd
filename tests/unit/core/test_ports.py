"""Lists of ports, as the operator writes them."""

from __future__ import annotations

import pytest

from core import ports


@pytest.mark.parametrize(
    ("text", "shown"), [("443", "443"), (" 80,443 , 8000-8080 ", "80, 443, 8000-8080"), ("1-65535", "1-65535")]
)
def test_ports_are_read_as_they_are_shown(text: str, shown: str) -> None:
    assert ports.shown(ports.listed(text)) == shown


def test_a_span_has_both_its_ends() -> None:
    [span] = ports.listed("20-25")
    assert (20 in span, 25 in span, 19 in span, 26 in span) == (True, True, False, False)


@pytest.mark.parametrize("text", ["0", "65536", "25-20", "1-", "-1", "http", "80;443", "8 0", "\u0664\u0664\u0663"])
def test_what_is_no_port_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="which is no port; write ports from 1 to 65535"):
        ports.listed(text)


@pytest.mark.parametrize("text", ["", " , "])
def test_an_empty_list_would_let_no_call_out(text: str) -> None:
    with pytest.raises(ValueError, match="names no port"):
        ports.listed(text)
