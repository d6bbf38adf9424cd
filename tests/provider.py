"""An identity provider of a test's own: OpenID Connect's code flow on a real port, for whoever it is told to let in."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "carillon", "what the provider knows"


class Provider(ThreadingHTTPServer):
    """Lets in whoever `claims` describe; `changes` are made to the ID token, `now` is when it is given."""

    daemon_threads = True

    def __init__(self, now: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.now = now
        self.key = RSAKey.generate_key(2048, {"kid": "first"})
        self.signs_with: RSAKey | None = None
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {
            "sub": "1",
            "preferred_username": "ada",
            "email": "ada@example.com",
            "email_verified": True,
            "groups": [],
        }
        self.changes: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.is_away = False
        self.padding = ""  # of what it publishes about itself
        self.drips: bytes | None = None  # how an answer begins that comes byte by byte and never ends
        self.reached, self.answers, self.pause = Event(), Event(), Event()
        self.answers.set()

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def authorize(self, query: dict[str, str]) -> str:
        """Where a browser is led that has logged in here."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The tokens for a code, once, for who shows the verifier and the secret."""
        begun = self.codes.pop(form.get("code", ""), None)
        shown = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".replace(" ", "%20").encode()).decode()
        plain = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            begun is None
            or begun["code_challenge"] != challenge
            or authorization.rsplit(maxsplit=1)[-1] not in (shown, plain)
        ):
            return None
        return {"access_token": "an access token", "token_type": "Bearer", "id_token": self._id_token(begun)}

    def _id_token(self, begun: dict[str, str]) -> str:
        about = {"iss": self.issuer, "aud": CLIENT_ID, "iat": self.now, "exp": self.now + 300, "nonce": begun["nonce"]}
        claims = {name: value for name, value in {**about, **self.claims, **self.changes}.items() if value is not None}
        key = self.signs_with or self.key
        return jwt.encode({"alg": self.algorithm, "kid": key.kid}, claims, key, algorithms=[self.algorithm])


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parts.path)
        self.server.reached.set()
        self.server.answers.wait(60)
        if self.server.drips is not None:
            self._drip(self.server.drips)
            return
        if parts.path == "/authorize":
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.send_response(302)
            self.send_header("Location", self.server.authorize(query))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        issuer = self.server.issuer
        published: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
                "padding": self.server.padding,
            },
            "/keys": {"keys": [self.server.key.as_dict(private=False)]},
        }
        self._answer(None if self.server.is_away else published.get(parts.path))

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self._answer(self.server.token(form, self.headers.get("Authorization") or "-"), otherwise=400)

    def _answer(self, found: dict[str, Any] | None, otherwise: int = 404) -> None:
        body = json.dumps({"error": "invalid_grant"} if found is None else found).encode()
        self.send_response(otherwise if found is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, begun: bytes) -> None:
        self.close_connection = True
        try:
            self.wfile.write(begun)
            while True:
                self.wfile.write(b" ")
                self.server.pause.wait(0.02)
        except OSError:  # whoever asked has had enough
            pass

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def providing(now: int) -> Iterator[Provider]:
    """A provider that listens until the block ends."""
    with Provider(now) as serving:
        Thread(target=serving.serve_forever, args=(0.01,), daemon=True).start()
        yield serving
        serving.shutdown()
