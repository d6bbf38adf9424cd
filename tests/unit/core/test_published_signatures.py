"""Signatures are those that libraries of other languages publish in their own tests and documents."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from core import request_signatures


@dataclass(frozen=True)
class Published:
    """A message that somebody else signed. Secrets stand without their prefix, so that no scanner takes them for real.

    Public test vectors: no receiver knows these secrets.
    """

    secret: str
    message_id: str
    timestamp: int
    body: bytes
    signature: str

    @property
    def key(self) -> bytes:
        return base64.b64decode(self.secret)

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp, UTC)


# github.com/standard-webhooks/standard-webhooks, libraries/javascript/src/webhook.test.ts ("sign function works") and
# libraries/go/webhook_symmetric_test.go (TestSymmetricWebhookSign).
JAVASCRIPT_AND_GO = Published(
    "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1_614_265_330,
    b'{"test": 2432232314}',
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
)
# The same repository, libraries/rust/src/lib.rs (test_sign).
RUST = Published(
    "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
    "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
    1_649_367_553,
    b'{"email":"test@example.com","username":"test_user"}',
    "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
)
# docs.svix.com/receiving/verifying-payloads/how-manual; its secret is shorter than we take.
BY_HAND = Published(
    "plJ3nmyCDGBKInavdOK15jsl",
    "msg_loFOjxBNrRLzqYUf",
    1_731_705_121,
    b'{"event_type":"ping","data":{"success":true}}',
    "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
)


def signature(keys: list[bytes], of: Published) -> str:
    return request_signatures.headers(keys, of.message_id, of.at, of.body)["webhook-signature"]


@pytest.mark.parametrize("published", [JAVASCRIPT_AND_GO, RUST, BY_HAND], ids=["javascript and go", "rust", "by hand"])
def test_a_message_is_signed_as_others_sign_it(published: Published) -> None:
    headers = request_signatures.headers([published.key], published.message_id, published.at, published.body)
    assert headers == {
        "webhook-id": published.message_id,
        "webhook-timestamp": str(published.timestamp),
        "webhook-signature": published.signature,
    }


def test_while_secrets_are_exchanged_each_signature_is_the_one_of_its_secret_alone() -> None:
    both = signature([RUST.key, JAVASCRIPT_AND_GO.key], JAVASCRIPT_AND_GO)
    newer, former = both.split(" ")
    assert former == JAVASCRIPT_AND_GO.signature
    assert newer == signature([RUST.key], JAVASCRIPT_AND_GO) != former


@pytest.mark.parametrize("published", [JAVASCRIPT_AND_GO, RUST], ids=["javascript and go", "rust"])
def test_a_secret_as_others_write_it_is_the_same_key(published: Published) -> None:
    assert request_signatures.key_of(request_signatures.PREFIX + published.secret) == published.key


def test_a_shorter_secret_than_the_standard_asks_for_is_refused() -> None:
    with pytest.raises(ValueError, match="24 to 64 random bytes"):
        request_signatures.key_of(request_signatures.PREFIX + BY_HAND.secret)
