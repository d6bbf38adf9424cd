"""Coordinators that look for alerts at the same moment."""

from __future__ import annotations

from services.alerts import sending
from tests.factories import in_threads
from tests.integration.email.conftest import failing_job, mailing
from tests.mail_server import MailServer


def test_four_coordinators_tell_it_once(postgresql: str, server: MailServer) -> None:
    system = mailing(server, alert_email="ada@example.com")
    failing_job(system)
    assert sorted(in_threads(4, lambda _: sending.send_oldest(system))) == [0, 0, 0, 1]
    assert server.recipients() == {"ada@example.com": 1}
