"""The way to the mail server: encrypted and logged in where the settings say so, cut when the attempt is stopped."""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from actors.handlers import email
from core.errors import Aborted, AbortReason, PermanentFailure
from core.states import RunStatus
from services.email import mail, smtp_client
from services.execution.work import Failed, Succeeded
from services.runtime.abort_scope import AbortScope
from tests.factories import given_system
from tests.integration.email.conftest import LETTER, attempted, claimed, mailing
from tests.mail_server import MailServer
from tests.waiting import LONGEST

pytestmark = pytest.mark.usefixtures("sqlite")

LOGIN = ("carillon", "hunter2")


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A certificate for 127.0.0.1 that this process believes."""
    file = tmp_path / "server.pem"
    file.write_bytes(_certificate())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    smtp_client.trusted.cache_clear()
    yield context
    smtp_client.trusted.cache_clear()


def test_a_login_goes_over_tls(tls: ssl.SSLContext) -> None:
    with MailServer(tls=tls, login=LOGIN) as server:
        system = mailing(server, email_use_tls=True, email_host_user=LOGIN[0], email_host_password=LOGIN[1])
        result, _ = attempted(system, claimed(system, LETTER))
    assert isinstance(result, Succeeded)
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("host_name", "setting", "greeting"),
    [
        ("buildbox7", None, "[127.0.0.1]"),
        ("mail.example.com", None, "mail.example.com"),
        ("buildbox7", "mx.example.org", "mx.example.org"),
    ],
)
def test_a_server_is_greeted_by_a_full_name_or_an_address(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, host_name: str, setting: str | None, greeting: str
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: host_name)
    system = mailing(server, email_ehlo_name=setting)
    attempted(system, claimed(system, LETTER))
    assert server.greeted_by == [greeting]


def test_a_login_is_in_utf_8(tls: ssl.SSLContext) -> None:
    login = ("änn", "pässwörd 密码")
    with MailServer(tls=tls, login=login) as server:
        system = mailing(server, email_use_tls=True, email_host_user=login[0], email_host_password=login[1])
        result, _ = attempted(system, claimed(system, LETTER))
    assert isinstance(result, Succeeded)


@pytest.mark.parametrize(
    ("mechanism", "challenges", "answers"),
    [
        ("PLAIN", [], ["\0änn\0pässwörd"]),
        ("LOGIN", ["Password:"], ["änn", "pässwörd"]),
        ("CRAM-MD5", ["<1@example.com>"], ["änn 6eed0f07777b2e25decf9426c2948669"]),
    ],
)
def test_each_way_to_log_in_is_in_utf_8(mechanism: str, challenges: list[str], answers: list[str]) -> None:
    client = smtp_client.Client(lambda *_: socket.socket(), None)
    client.user, client.password = "änn", "pässwörd"
    replies = iter([*((334, base64.b64encode(one.encode())) for one in challenges), (235, b"")])
    sent: list[str] = []

    def answered(command: str, argument: str = "") -> tuple[int, bytes]:
        sent.extend([*command.split(), *argument.split()])
        return next(replies)

    client.docmd = answered  # type: ignore[assignment,method-assign]
    client.auth(mechanism, getattr(client, f"auth_{mechanism.lower().replace('-', '_')}"))
    given = [base64.b64decode(one).decode() for one in sent if one not in ("AUTH", mechanism)]
    assert given == answers


def test_what_smtp_cannot_say_is_refused_in_words_and_the_next_message_goes(server: MailServer) -> None:
    system = mailing(server)
    with mail.sending(system.settings, lambda host, port: socket.create_connection((host, port))) as sender:
        with pytest.raises(PermanentFailure, match="cannot be put into commands of SMTP"):
            sender.send(b"Subject: a\r\n\r\n", "ädä@example.com")
        sender.send(b"Subject: b\r\n\r\n", "ada@example.com")
    assert [message["Subject"] for message in server.messages] == ["b"]


def test_a_certificate_that_nobody_vouches_for_is_not_believed(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with MailServer(tls=tls) as server:
        system = mailing(server, email_use_tls=True)
        result, outcome = attempted(system, claimed(system, LETTER))
    assert isinstance(result, Failed)
    assert "certificate verify failed" in result.error.message
    assert (outcome.status, server.messages) == (RunStatus.RETRYING, [])


def test_a_server_that_does_not_encrypt_gets_nothing_where_tls_is_wanted(server: MailServer) -> None:
    system = mailing(server, email_use_tls=True, email_host_user=LOGIN[0], email_host_password=LOGIN[1])
    result, _ = attempted(system, claimed(system, LETTER))
    assert isinstance(result, Failed)
    assert "STARTTLS" in result.error.message


def test_a_wrong_password_is_told_without_it(tls: ssl.SSLContext) -> None:
    with MailServer(tls=tls, login=LOGIN) as server:
        system = mailing(server, email_use_tls=True, email_host_user=LOGIN[0], email_host_password="hunter3")  # noqa: S106
        result, outcome = attempted(system, claimed(system, LETTER))
    assert isinstance(result, Failed)
    assert "535" in result.error.message
    assert "Look at EMAIL_HOST_USER and EMAIL_HOST_PASSWORD." in result.error.message
    assert "hunter3" not in result.error.message
    assert outcome.status is RunStatus.RETRYING


@pytest.mark.parametrize("reason", [AbortReason.CANCELLED, AbortReason.TIME_LIMIT, AbortReason.SHUTDOWN])
def test_a_server_that_says_nothing_is_left_at_once_when_the_attempt_is_stopped(reason: AbortReason) -> None:
    scope, reached = AbortScope(), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(2) as pool:
        system = given_system(email_host="127.0.0.1", email_port=silent.getsockname()[1], email_use_tls=False)
        work = claimed(system, LETTER)

        def accept() -> None:
            connection, _ = silent.accept()
            with connection:
                reached.set()
                connection.recv(1)

        accepting = pool.submit(accept)
        sending = pool.submit(email.perform, system, work, scope)
        assert reached.wait(LONGEST)
        scope.abort(reason)
        with pytest.raises(Aborted) as stopped:
            sending.result(LONGEST)
        accepting.result(LONGEST)
    assert stopped.value.reason is reason


def _certificate() -> bytes:
    """A certificate of 127.0.0.1 that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signed.public_bytes(serialization.Encoding.PEM) + private
