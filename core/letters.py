"""Letters: the parts of an e-mail, and the rules for its headers and addresses."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from uuid import UUID

from core import mail_headers
from core.errors import PermanentFailure
from core.trace_context import TRACEPARENT, TraceContext

LONGEST_ADDRESS = 254  # RFC 5321, section 4.5.3.1.3
LONGEST_LOCAL_PART = 64

_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_SEVEN_BIT = SMTP.clone(cte_type="7bit")  # which every server takes


@dataclass(frozen=True)
class Letter:
    """An e-mail to one recipient; `sender` may carry a name: `Carillon <carillon@example.com>`.

    It has the trace headers of its run, if any.
    """

    message_id: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str | None = None
    reply_to: str | None = None
    trace: TraceContext | None = None


def message_id(of: UUID, position: int, recipient: str, sender: str) -> str:
    """Returns the Message-ID of a run's letter: the same at each attempt, so that receivers can recognise a repeat."""
    who = hashlib.sha256(recipient.encode()).hexdigest()[:8]
    return f"<{of}.{position}.{who}@{address_of(sender).rpartition('@')[2]}>"


def written(letter: Letter, now: datetime) -> bytes:
    """Returns a letter as a message. Raises `PermanentFailure` if its readers would see something else."""
    if fault := fault_of_address(letter.recipient):
        raise PermanentFailure(f"The recipient {letter.recipient!r} {fault}")
    if "\0" in letter.text or "\0" in (letter.html or ""):
        raise PermanentFailure("This e-mail holds a NUL character, which mail servers refuse; leave it out.")
    headers = _headers(letter, now)
    try:
        content = "".join(f"{header}\r\n" for header in headers.values()).encode("ascii") + _content(letter)
    except UnicodeEncodeError as error:
        raise PermanentFailure(
            f"This e-mail holds {error.object[error.start : error.end]!a}, which is half a character; leave it out."
        ) from error
    if BytesHeaderParser().parsebytes(content).keys()[: len(headers)] != [*headers]:
        raise PermanentFailure("The headers of this e-mail would be read as others; write plain text in the subject.")
    return content


def _headers(letter: Letter, now: datetime) -> dict[str, str]:
    written = {
        "Message-ID": f"Message-ID: {letter.message_id}",
        "Date": f"Date: {format_datetime(now)}",
        "From": mail_headers.of_mailbox("From", letter.sender),
        "To": mail_headers.of_mailbox("To", letter.recipient),
        "Subject": mail_headers.of_text("Subject", letter.subject),
        "Auto-Submitted": "Auto-Submitted: auto-generated",
    }
    if letter.reply_to is not None:
        written["Reply-To"] = mail_headers.of_mailbox("Reply-To", letter.reply_to)
    if letter.trace is not None:  # without the tracestate, which is for tracing systems and not for recipients
        written[TRACEPARENT] = f"{TRACEPARENT}: {letter.trace.traceparent}"
    return written


def _content(letter: Letter) -> bytes:
    """Returns the text and its alternative, each with its content headers."""
    message = EmailMessage(policy=_SEVEN_BIT)
    message.set_content(letter.text)
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html")
    return message.as_bytes()


def address_of(sender: str) -> str:
    """Returns the address of a sender, without the name."""
    return parseaddr(sender)[1]


def with_lower_domain(address: str) -> str:
    """Returns an address with its domain in lower case, to compare by."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{domain.lower()}"


def fault_of_address(address: str) -> str | None:
    """Returns what is wrong with an address, or None: only plain ones are accepted, `name@example.com`."""
    local, at, domain = address.rpartition("@")
    plain = (
        at
        and len(address) <= LONGEST_ADDRESS
        and len(local) <= LONGEST_LOCAL_PART
        and "=?" not in local  # which begins an encoded word
        and _LOCAL_PART.fullmatch(local)
        and all(_LABEL.fullmatch(label) for label in domain.split("."))
    )
    return None if plain else "is no plain e-mail address; write name@example.com, other alphabets as xn--...."


def fault_of_header(text: str) -> str | None:
    """Returns what is wrong with a text for a header, or None."""
    if _CONTROL.search(text):
        return "holds a line break or another control character, which a header cannot; write one line."
    if _holds_encoded_word(text):
        return "holds an encoded word, =?...?=; write the text itself, which is encoded on its way."
    return None


def _holds_encoded_word(line: str) -> bool:
    """Whether a line has an encoded word (RFC 2047), whose content, even line breaks, would be written unchanged."""
    begin = line.find("=?")
    return begin >= 0 and line.find("?=", begin + 2) >= 0
