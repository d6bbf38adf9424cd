"""Headers of e-mail: short lines of ASCII that each way of reading them decodes to the same text."""

# ruff: noqa: RUF001  the alphabets of the world

from __future__ import annotations

import email
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from email.utils import parseaddr

import pytest

from core import mail_headers


def _read(header: str) -> tuple[str, str]:
    """What the two readers of Python make of a header, the newer one and the older one."""
    raw = f"{header}\r\n\r\n".encode("ascii")
    name = header.partition(":")[0]
    message: EmailMessage = email.message_from_bytes(raw, policy=default)
    older = str(make_header(decode_header(email.message_from_bytes(raw)[name])))
    return str(message[name]), older.replace("\r\n", "")


@pytest.mark.parametrize(
    "text",
    [
        "Напоминание об оплатах счетов за март",
        "Rechnung für Müller und Söhne, fällig am Dienstag, dem siebzehnten März",
        "月次の請求書のお知らせと支払期限の確認についてのご連絡、二〇二六年三月分",
        "Plain subject that is rather longer than seventy-eight characters so that it has to be folded once",
        "a" * 200,
        "x " * 240 + "x",
        "a ä b",
        " before, after ",
        "two  spaces",
        "ü  ü   ü",
        "a_b ü_c?=",
        "2 + 2 =? 4",
        "=?utf-8?q?x?=",
        'Re: [x] ü (y) "z" <q>',
        "日次　レポート",
        "n°\u00a05",
        "می\u200cشود " * 30,
        "\u200fעברית abc עברית",
        "👨\u200d👩\u200d👧 home 🇩🇪 " * 20,
        "e\u0301" * 100,
        "ä" * 500,
    ],
)
def test_a_text_is_read_as_it_was_written(text: str) -> None:
    header = mail_headers.of_text("Subject", text)
    assert _read(header) == (text, text)
    assert max(map(len, header.split("\r\n"))) <= 78


@pytest.mark.parametrize(
    "mailbox",
    [
        "c@example.com",
        "Carillon <c@example.com>",
        "Müller und Söhne GmbH <c@example.com>",
        '"Söhne, Müller" <c@example.com>',
        '"Ann, Bob" <c@example.com>',
        '"Ann \\"the\\" Bell" <c@example.com>',
        "Dr. Ü (x) <c@example.com>",
        "Ann 😀 B é <c@example.com>",
    ],
)
def test_a_name_before_an_address_is_read_as_it_was_written(mailbox: str) -> None:
    header = mail_headers.of_mailbox("From", mailbox)
    message: EmailMessage = email.message_from_bytes(f"{header}\r\n\r\n".encode("ascii"), policy=default)
    [read] = message["From"].addresses
    assert (read.display_name, read.addr_spec) == parseaddr(mailbox)
    assert max(map(len, header.split("\r\n"))) <= 78


def test_a_long_name_is_encoded_by_the_rules() -> None:
    name = "Имя Фамилия " * 10 + "конец"
    header = mail_headers.of_mailbox("From", f"{name} <c@example.com>")
    encoded, address = parseaddr(email.message_from_bytes(f"{header}\r\n\r\n".encode("ascii"))["From"])
    assert (str(make_header(decode_header(encoded))), address) == (name, "c@example.com")
