"""The addresses that an app's e-mails may come from, as callers give them and get them."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from api.schemas.values import Given, Shown
from core.letters import LONGEST_ADDRESS
from core.senders import canonical

MAX_SENDERS = 100
Sender = Annotated[str, Field(min_length=2, max_length=LONGEST_ADDRESS), AfterValidator(canonical)]


class NewSenders(Given):
    """The addresses, and the domains (`@example.com`), that an app's e-mails may come from."""

    senders: Annotated[list[Sender], Field(max_length=MAX_SENDERS)]


class Senders(Shown):
    """The addresses and domains that an app's e-mails may come from, besides EMAIL_FROM."""

    senders: list[str]
