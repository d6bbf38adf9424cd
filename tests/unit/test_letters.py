"""What a letter becomes, and what may stand in its addresses and headers."""

from __future__ import annotations

from uuid import UUID

import pytest

from core.letters import Letter, address_of, fault_of_address, fault_of_header, message_id, written
from tests.factories import NOON

RUN = UUID("0199f000-0000-7000-8000-000000000001")
LETTER = Letter("<1@example.com>", "Carillon <c@example.com>", "ada@example.com", "Grüße", "Hallo\n")


@pytest.mark.parametrize(
    "address",
    ["a@example.com", "first.last+tag@mail.example.com", "o'neil@example.co.uk", "root@localhost", "x@xn--p1ai"],
)
def test_plain_addresses_are_taken(address: str) -> None:
    assert fault_of_address(address) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@example..com",
        "ada@-example.com",
        ".ada@example.com",
        "a b@example.com",
        '"a b"@example.com',
        "Ada <ada@example.com>",
        "ada@example.com,bob@example.com",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: bob@example.com",
        "ädä@example.com",
        "ada@[127.0.0.1]",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.com",
    ],
)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    assert "write name@example.com" in (fault_of_address(address) or "")


@pytest.mark.parametrize("character", ["\r", "\n", "\x00", "\x85", "\u2028", "\x7f"])
def test_a_header_takes_one_line(character: str) -> None:
    assert fault_of_header("Hello") is None
    assert "line break" in (fault_of_header(f"a{character}b") or "")


def test_a_runs_message_has_one_id_and_its_siblings_have_others() -> None:
    def of(position: int, recipient: str) -> str:
        return message_id(RUN, position, recipient, "Carillon <c@example.com>")

    assert of(0, "ada@example.com") == of(0, "ada@example.com")
    assert len({of(0, "ada@example.com"), of(1, "ada@example.com"), of(0, "bob@example.com")}) == 3
    assert of(0, "ada@example.com").endswith("@example.com>")


def test_a_letter_is_written_as_one_message() -> None:
    message = written(LETTER, NOON)
    assert {name: str(value) for name, value in message.items() if name in ("To", "Subject", "Date")} == {
        "To": "ada@example.com",
        "Subject": "Grüße",
        "Date": "Fri, 20 Nov 2026 12:00:00 +0000",
    }
    assert message.get_content_type() == "text/plain"
    assert "Reply-To" not in message
    assert b"\r\n\r\nHallo\r\n" in message.as_bytes()


def test_the_sender_may_carry_a_name() -> None:
    assert address_of("Carillon <c@example.com>") == address_of("c@example.com") == "c@example.com"
