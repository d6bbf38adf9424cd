"""Masks: over secrets in what receivers send back, and over headers that carry one in plain."""

from __future__ import annotations

import json
import re
from typing import Self, SupportsIndex
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.masking import MASK, Mask, addresses, masked, restored

CANARY = 'c@n "ary"/+ü'


@pytest.mark.parametrize(
    "spelled",
    [CANARY, json.dumps(CANARY), json.dumps(CANARY, ensure_ascii=False), quote(CANARY, safe=""), quote_plus(CANARY)],
)
def test_a_secret_is_hidden_however_it_comes_back(spelled: str) -> None:
    mask = Mask([CANARY, "other"])
    for found in (mask.text(f"a {spelled} b other"), mask.bytes(f"a {spelled} b other".encode()).decode()):
        assert "ary" not in found
        assert "other" not in found
        assert found.startswith("a ")


def test_a_secret_that_begins_another_leaves_nothing_of_it() -> None:
    assert Mask(["abc", "abcdef"]).text("abcdef abc") == f"{MASK} {MASK}"


@pytest.mark.parametrize(
    ("secrets", "shown"),
    [
        (["*", "abc"], f"{MASK} Ā? \udc80"),
        (["abc", "**"], f"{MASK} Ā? \udc80"),
        (["Ā", "abc"], f"{MASK} {MASK}? \udc80"),
    ],
)
def test_no_secret_is_looked_for_in_what_hides_another(secrets: list[str], shown: str) -> None:
    assert Mask(secrets).text("abc Ā? \udc80") == shown
    assert Mask(secrets).bytes(b"abc \xff") == f"{MASK} ".encode() + b"\xff"


@given(st.lists(st.sampled_from(["ab", "ab-c", "dé", "%"]), min_size=1), st.text(alphabet="ab-cdé%* ", max_size=30))
def test_what_is_hidden_is_what_a_search_for_each_finds_the_longest_first(secrets: list[str], text: str) -> None:
    spelled = {spelling for secret in secrets for spelling in (secret, quote(secret), json.dumps(secret)[1:-1])}
    each = re.compile("|".join(map(re.escape, sorted(spelled, key=len, reverse=True))))
    assert Mask(secrets).text(text) == each.sub(MASK, text)
    assert Mask(secrets).bytes(text.encode()).decode() == each.sub(MASK, text)


class Answer(bytes):
    """What a receiver sends back; notes what its text is searched for with `str.replace`, which takes linear time."""

    def __init__(self, _data: bytes) -> None:
        self.searches: list[str] = []

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return Searched(super().decode(encoding, errors), self.searches)


class Searched(str):
    """The text of an answer."""

    __slots__ = ("_searches",)

    def __new__(cls, text: str, _searches: list[str]) -> Self:
        return super().__new__(cls, text)

    def __init__(self, _text: str, searches: list[str]) -> None:
        self._searches = searches

    def replace(self, old: str, new: str, count: SupportsIndex = -1) -> str:
        self._searches.append(old)
        return Searched(super().replace(old, new, count), self._searches)


@pytest.mark.parametrize(
    "secret", [" " * 60_000 + "b", "b" + " " * 60_000, "a" * 30_000 + "b" + "a" * 30_000], ids=range(3)
)
@pytest.mark.parametrize("filler", [" ", "a"])
def test_an_answer_that_nearly_repeats_a_long_secret_is_searched_once_for_each_spelling(
    secret: str, filler: str
) -> None:
    mask, text = Mask([secret]), filler * 900_000
    short, long = Answer(f"c{secret}c".encode()), Answer(f"{text}c{secret}c{text}".encode())
    assert mask.bytes(short) == f"c{MASK}c".encode()
    assert mask.bytes(long) == f"{text}c{MASK}c{text}".encode()
    assert len(long.searches) == len(short.searches) == len(mask._bytes) + 1  # one for the placeholder
    assert mask.text(f"{text}c") == f"{text}c"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Bearer x", MASK),
        ("authorization", "Bearer {{secret.TOKEN}}", "Bearer {{secret.TOKEN}}"),
        ("Authorization", "Bearer {{secret.A}}x", MASK),
        ("Authorization", "hunter2 {{secret.A}}", MASK),
        ("Cookie", "a=b", MASK),
        ("X-Api-Key", "{{secret.KEY}}", "{{secret.KEY}}"),
        ("X-API-Key", "x", MASK),
        ("X-Author", "x", "x"),
        ("Idempotency-Key", "x", "x"),
        ("Content-Type", "text/plain", "text/plain"),
    ],
)
def test_a_header_that_carries_a_secret_in_plain_is_masked(name: str, value: str, shown: str) -> None:
    assert masked({name: value}) == {name: shown}


def test_a_masked_header_that_comes_back_is_the_one_that_is_stored() -> None:
    stored = {"Authorization": "Bearer x", "X-A": "a"}
    back = {**masked(stored), "X-A": "b"}
    assert restored(back, stored) == {"Authorization": "Bearer x", "X-A": "b"}
    assert restored({"authorization": MASK}, stored) == {"authorization": "Bearer x"}
    assert restored({"X-A": MASK, "Cookie": MASK}, stored) == {"X-A": MASK, "Cookie": MASK}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pass@a.example/x?n=1", "https://***@a.example/x?n=1"),
        ("https://a.example/?n=1&api_key=x&token=y#top", "https://a.example/?n=1&api_key=***&token=***#top"),
        ("https://a.example/?X-Amz-Signature=x&sig=y", "https://a.example/?X-Amz-Signature=***&sig=***"),
        ("/login#access%5Ftoken=x", "/login#access%5Ftoken=***"),
        ("/x?password={{secret.P}}&author=b", "/x?password={{secret.P}}&author=b"),
        ('<https://a.example/?token=x>; rel="next"', '<https://a.example/?token=***>; rel="next"'),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
    ],
)
def test_parameters_of_addresses_that_are_named_like_secrets_are_masked(address: str, shown: str) -> None:
    assert addresses(address) == shown
