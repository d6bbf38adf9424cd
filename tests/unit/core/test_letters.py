"""What a letter becomes, and what may stand in its addresses and headers."""

from __future__ import annotations

import email
from dataclasses import replace
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

import pytest

from core.errors import PermanentFailure
from core.letters import Letter, address_of, fault_of_address, fault_of_header, message_id, written
from tests.factories import NOON

RUN = UUID("0199f000-0000-7000-8000-000000000001")
LETTER = Letter("<1@example.com>", "Carillon <c@example.com>", "ada@example.com", "Grüße", "Grüß dich\n")
HIDDEN = "=?utf-8?q?a=0D=0ABcc=3A_bob=40example.com=0D=0A=0D=0AEvil?="


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
        "=?utf-8?q?=0ABcc=3Ax?=@example.com",
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


def test_a_header_takes_no_encoded_word() -> None:
    assert fault_of_header("2 + 2 =? 4") is None
    assert fault_of_header("?= 4 =?=") is None
    assert fault_of_header("=?x" * 300_000) is None
    assert "encoded word" in (fault_of_header(HIDDEN) or "")


def test_a_runs_message_has_one_id_and_its_siblings_have_others() -> None:
    def of(position: int, recipient: str) -> str:
        return message_id(RUN, position, recipient, "Carillon <c@example.com>")

    assert of(0, "ada@example.com") == of(0, "ada@example.com")
    assert len({of(0, "ada@example.com"), of(1, "ada@example.com"), of(0, "bob@example.com")}) == 3
    assert of(0, "ada@example.com").endswith("@example.com>")


def test_a_letter_is_written_as_one_message_in_seven_bits() -> None:
    content = written(LETTER, NOON)
    message: EmailMessage = email.message_from_bytes(content, policy=default)
    assert {name: str(value) for name, value in message.items() if name in ("To", "Subject", "Date")} == {
        "To": "ada@example.com",
        "Subject": "Grüße",
        "Date": "Fri, 20 Nov 2026 12:00:00 +0000",
    }
    assert (message.get_content_type(), message.get_content()) == ("text/plain", "Grüß dich\r\n")
    assert "Reply-To" not in message
    assert content.isascii()


@pytest.mark.parametrize(
    "changes", [{"text": "a\0"}, {"text": "\ud83d"}, {"recipient": "a@["}, {"recipient": f"{HIDDEN}@example.com"}]
)
def test_what_no_reader_could_take_is_not_written(changes: dict[str, Any]) -> None:
    with pytest.raises(PermanentFailure):
        written(replace(LETTER, **changes), NOON)


def test_a_subject_that_looks_encoded_hides_no_header() -> None:
    message: EmailMessage = email.message_from_bytes(written(replace(LETTER, subject=HIDDEN), NOON), policy=default)
    assert (message["Subject"], message["Bcc"]) == (HIDDEN, None)


@pytest.mark.parametrize(
    "text", ["a" * 3_000, "é" * 3_000, "line " * 400, ".\n..\nFrom me\rbare\r\nend", "\x0b \x85 \u2028 \t", "\n\n", ""]
)
def test_a_text_goes_in_short_lines_and_is_read_as_it_was(text: str) -> None:
    content = written(replace(LETTER, text=text, html=text), NOON)
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 78
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    message: EmailMessage = email.message_from_bytes(content, policy=default)
    whole = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        assert part.get_content().replace("\r\n", "\n") == whole


def test_the_sender_may_carry_a_name() -> None:
    assert address_of("Carillon <c@example.com>") == address_of("c@example.com") == "c@example.com"
