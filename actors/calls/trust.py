"""The certificate authorities that are trusted, and the client certificate for receivers that ask for one."""

from __future__ import annotations

import functools
import ssl
import tempfile
from pathlib import Path

import certifi

from core.errors import PermanentFailure, TransientFailure

_MOST = 256


@functools.lru_cache(_MOST)
def context(ca_bundle: Path | None = None, certificate: str | None = None) -> ssl.SSLContext:
    """Returns the TLS context: the same object for the same trust and certificate.

    Trusts the system's authorities (or `SSL_CERT_FILE`, `SSL_CERT_DIR`), those of certifi and those of the
    installation's own bundle. `certificate` is the client certificate with its key, in PEM. Raises `TransientFailure`
    if the bundle cannot be read, `PermanentFailure` if the certificate is not valid.
    """
    made = ssl.create_default_context()
    made.load_verify_locations(certifi.where())
    if ca_bundle is not None:
        _add_authorities(made, ca_bundle)
    if certificate is not None:
        _load_certificate(made, certificate)
    made.set_alpn_protocols(["http/1.1"])
    return made


def _add_authorities(made: ssl.SSLContext, ca_bundle: Path) -> None:
    try:
        made.load_verify_locations(ca_bundle)
    except OSError as error:  # also for a file that holds no certificate
        raise TransientFailure(
            f"CA_BUNDLE={ca_bundle} cannot be read: {error.strerror or error}.", was_called=False
        ) from None


def _load_certificate(made: ssl.SSLContext, certificate: str) -> None:
    """Load a certificate and its key. OpenSSL only reads them from a file: one that only this process may read."""
    with tempfile.NamedTemporaryFile(mode="w", encoding="utf-8", suffix=".pem") as file:
        file.write(certificate)
        file.flush()
        try:
            # Without a password argument, OpenSSL would prompt for that of an encrypted key on the terminal.
            made.load_cert_chain(file.name, password=lambda: "")
        except (OSError, ValueError):
            raise PermanentFailure(
                "The client_certificate is no certificate with its key in PEM, the key not encrypted; put both into "
                "the secret, one after the other."
            ) from None
