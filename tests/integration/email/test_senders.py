"""From whom an app's e-mail comes: from an address that it may name, else from EMAIL_FROM."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from services.apps import app_senders, apps
from tests.integration.email.conftest import LETTER, attempted, claimed, mailing
from tests.mail_server import MailServer

pytestmark = pytest.mark.usefixtures("store")


@pytest.mark.parametrize(
    ("allowed", "shown"),
    [
        ([], ("carillon@example.com", "shop@Example.org")),
        (
            ["@example.com", "SHOP@example.org", "shop@example.org.net"],
            ("carillon@example.com", "shop@Example.org"),
        ),
        (["@example.org"], ("shop@Example.org", None)),
        (["shop@example.org"], ("shop@Example.org", None)),
    ],
)
def test_a_sender_that_the_app_may_not_name_is_replied_to(
    server: MailServer, allowed: list[str], shown: tuple[str, str | None]
) -> None:
    system = mailing(server, email_from="carillon@example.com")
    apps.ensure(LOCAL, system, "app_a")
    app_senders.put(LOCAL, system, "app_a", allowed)
    attempted(system, claimed(system, {**LETTER, "from": "shop@Example.org"}))
    [message] = server.messages
    assert (message["From"], message["Reply-To"]) == shown


def test_an_address_to_reply_to_stays_where_the_sender_may_not_be_named(server: MailServer) -> None:
    system = mailing(server, email_from="carillon@example.com")
    attempted(system, claimed(system, {**LETTER, "from": "shop@example.org", "reply_to": "help@example.org"}))
    [message] = server.messages
    assert (message["From"], message["Reply-To"]) == ("carillon@example.com", "help@example.org")
