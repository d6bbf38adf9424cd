"""`send_email`: one text to one recipient or several, or a text to each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core import senders
from core.errors import InvalidInput, PermanentFailure
from core.letters import (
    LONGEST_ADDRESS,
    Letter,
    address_of,
    fault_of_address,
    fault_of_header,
    message_id,
    with_lower_domain,
)
from services.email import mail, templates
from services.messaging import broker as brokers
from services.task_types import filling, registry
from settings import Settings

KEY = "send_email"
LONGEST_SUBJECT = 500
LONGEST_BATCH = 10_000_000  # characters, of all e-mails of a run

_Filled = tuple[str, str, str | None]  # subject, text and HTML


def _address(address: str) -> str:
    if fault := fault_of_address(address):
        raise ValueError(f"is {address[:LONGEST_ADDRESS]!r}, which {fault}")
    return address


def _template(text: str) -> str:
    try:
        templates.check(text)
    except templates.InvalidTemplate as error:
        raise ValueError(str(error)) from None
    return text


def _header(text: str) -> str:
    if fault := fault_of_header(text):
        raise ValueError(fault)
    return _template(text)


Address = Annotated[str, Field(max_length=LONGEST_ADDRESS), AfterValidator(_address)]
Subject = Annotated[str, Field(min_length=1, max_length=LONGEST_SUBJECT), AfterValidator(_header)]
Text = Annotated[str, Field(max_length=templates.LONGEST), AfterValidator(_template)]


class _Given(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class OneEmail(_Given):
    """One of several e-mails; its context goes before that of all."""

    recipient: Address
    subject: Subject
    body: Text
    html: Text | None = None
    context: dict[str, Any] = Field(default_factory=dict)


class SendEmail(_Given):
    """To whom, what, and the values for `{{name}}` in subject, body and html.

    Exactly one of `recipient`, `recipients` and `emails`; the first two go with `subject` and `body`.
    """

    recipient: Address | None = None
    recipients: Annotated[list[Address], Field(min_length=1)] | None = None
    emails: Annotated[list[OneEmail], Field(min_length=1)] | None = Field(
        default=None, examples=[[{"recipient": "ada@example.com", "subject": "Hello", "body": "Hello, Ada."}]]
    )
    subject: Subject | None = None
    body: Text | None = None
    html: Text | None = None
    sender: Address | None = Field(default=None, alias="from")
    reply_to: Address | None = None
    context: dict[str, Any] = Field(
        default_factory=dict,
        description="The values for {{NAME}} in subject, body and html.",
        examples=[{"name": "Ada"}],
    )

    @model_validator(mode="before")
    @classmethod
    def _can_be_checked(cls, given: Any) -> Any:
        if fault := filling.fault_of_count(filling.values_in(given)):
            raise ValueError(fault)
        return given

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [name for name in ("recipient", "recipients", "emails") if getattr(self, name) is not None]
        if len(ways) != 1:
            given = " and ".join(ways) or "none"
            raise ValueError(f"needs exactly one of recipient, recipients and emails, not {given}.")
        texts = [name for name in ("subject", "body") if getattr(self, name) is not None]
        if self.emails is None and len(texts) < 2:  # noqa: PLR2004  subject and body
            raise ValueError("needs a subject and a body.")
        if self.emails is not None and (texts or self.html is not None):
            raise ValueError("has emails, each with its own subject and body; leave those beside them out.")
        twice = [one for one, count in Counter(map(with_lower_domain, self.recipients or ())).items() if count > 1]
        if twice:
            raise ValueError(f"names the recipient {twice[0]} more than once; each gets one e-mail.")
        return self

    def each(self) -> list[OneEmail]:
        """Returns the e-mails of these parameters, one for each recipient."""
        if self.emails is not None:
            return self.emails
        recipients: list[Any] = self.recipients or [self.recipient]
        text: dict[str, Any] = {"subject": self.subject, "body": self.body, "html": self.html}
        return [OneEmail.model_construct(recipient=one, context={}, **text) for one in recipients]


@dataclass(frozen=True)
class Batch:
    """The e-mails of a run; `is_one` where the job names a single recipient."""

    letters: tuple[Letter, ...]
    is_one: bool


def check(settings: Settings, parameters: SendEmail) -> None:
    """Check that there is a server to send through, and not too many recipients. Raises `InvalidInput`."""
    if not mail.can_send(settings):
        raise InvalidInput.at("task_type", f"is {KEY}, but {mail.NO_SERVER}")
    field = "recipients" if parameters.emails is None else "emails"
    count, most = len(parameters.each()), settings.email_max_recipients
    if count > most:
        raise InvalidInput.at(f"data.{field}", f"has {count} entries, more than {most}; split them over several jobs.")


def batch(settings: Settings, first_run_id: UUID, parameters: SendEmail, allowed: Collection[str]) -> Batch:
    """Returns the e-mails of a run, filled in; a run that repeats another sends them under the ids of the first.

    They come from the address that the job names if it is one of those allowed; else from EMAIL_FROM, with the address
    that was named to reply to. Raises `PermanentFailure` naming what cannot be filled.
    """
    parameters = parameters if _may_send(parameters.sender, allowed) else _from_us(parameters)
    return Batch(tuple(_letters(settings, first_run_id, parameters)), is_one=parameters.recipient is not None)


def _may_send(sender: str | None, allowed: Collection[str]) -> bool:
    return sender is None or senders.is_allowed(sender, allowed)


def _from_us(parameters: SendEmail) -> SendEmail:
    reply_to = parameters.reply_to or parameters.sender
    return parameters.model_copy(update={"sender": None, "reply_to": reply_to})


def _letters(settings: Settings, first_run_id: UUID, parameters: SendEmail) -> Iterator[Letter]:
    filled: _Filled = ("", "", None)
    length = 0
    for position, one in enumerate(parameters.each()):
        if position == 0 or parameters.emails is not None:  # else all get the same
            filled = _filled(one, parameters.context | one.context)
            length += sum(map(len, filter(None, filled)))
        if length > LONGEST_BATCH:
            raise PermanentFailure(f"These e-mails have more than {LONGEST_BATCH} characters; split them over jobs.")
        subject, text, html = filled
        yield Letter(
            message_id=message_id(first_run_id, position, one.recipient, address_of(settings.email_from)),
            sender=parameters.sender or settings.email_from,
            recipient=one.recipient,
            subject=subject,
            text=text,
            html=html,
            reply_to=parameters.reply_to,
        )


def _filled(one: OneEmail, values: dict[str, Any]) -> _Filled:
    subject = templates.fill("subject", one.subject, values)[:LONGEST_SUBJECT]
    if fault := fault_of_header(subject):
        raise PermanentFailure(f"The subject, filled in, {fault}")
    html = None if one.html is None else templates.fill("html", one.html, values, html=True)
    return subject, templates.fill("body", one.body, values), html


registry.register(
    registry.TaskType(
        key=KEY,
        label="Send e-mail",
        parameters=SendEmail,
        queue=brokers.RUNS_EMAIL,
        handler="email",
        check=check,
        has_templates=True,
        time_limit=lambda settings: settings.email_time_limit_seconds,
        works=mail.can_send,
    )
)
