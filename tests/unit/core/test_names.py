"""Names: every script is taken as it is, and the spellings of one name are one."""

# ruff: noqa: RUF001  the scripts of the world

from __future__ import annotations

import unicodedata

import pytest

from api.schemas.apps import NamedApp
from api.schemas.jobs import NewJob
from api.sources.accounts.schema import Registration
from core import names

JOB = {"app_name": "a", "user_id": "u", "account_id": "a", "task_type": "t", "schedule": {"type": "immediate"}}


@pytest.mark.parametrize(
    "name",
    [
        "日次　レポート",
        "می\u200cشود",
        "👨\u200d👩\u200d👧 home",
        "❤\ufe0f",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "n°\u00a05",
        "soft\u00adhyphen",
        "word\u2060joiner",
        "ﾊﾝｶｸ",
        "e\u0301",
        "\u200fעברית",
        "\u202bעברית\u202c abc",
        "हिन्दी",
        "\U0001fae8 newer than this Python",
        "\ue000 private",
    ],
)
def test_a_name_of_any_script_is_taken_and_kept(name: str) -> None:
    job = NewJob.model_validate({**JOB, "name": name, "title": name, "tags": [name], "app_name": name})
    assert (job.name, job.title, job.tags, job.app_name) == (name, name, [name], name)


@pytest.mark.parametrize(
    "name",
    [
        "a\nb",
        "a\x00b",
        "a\x85b",
        "\x1b[31m",
        "a\u2028b",
        "\ud800",
        " a",
        "a\u3000",
        "\u3000",
        " ",
        "\u200d",
        "\u3164",
        "\xad",
    ],
)
def test_a_name_that_cannot_be_shown_is_not_taken(name: str) -> None:
    assert names.fault_of_name(name) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ADMIN", "ａｄｍｉｎ"),
        ("admin", "ad\u200bm\u00adin"),
        ("Ärger", "A\u0308RGER"),
        ("Straße", "STRASSE"),
        ("ΣΑΣ", "σας"),
        ("ﬁn", "FIN"),
        ("K", "\u212a"),
        ("日次　レポート", "日次 レポート"),
        ("ﾚﾎﾟｰﾄ", "レポート"),
        ("❤", "❤\ufe0f"),
        ("ᾳ", "αι"),
    ],
)
def test_the_spellings_of_one_name_are_the_same(one: str, other: str) -> None:
    assert names.folded(one) == names.folded(other)
    for text in (one, other):
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            assert names.folded(unicodedata.normalize(form, text)) == names.folded(text)
        assert names.folded(names.folded(text)) == names.folded(text.upper()) == names.folded(text)


def test_other_names_are_others() -> None:
    assert len({names.folded(name) for name in ("resume", "résumé", "Ά", "α", "i", "ı", "а", "a")}) == 8


@pytest.mark.parametrize("name", ["Default", "ＤＥＦＡＵＬＴ", "TASKS", "Scheduler", "jo\u200bbs", "ｊobs"])
def test_what_looks_like_the_app_of_a_source_system_is_that_app(name: str) -> None:
    wanted = names.folded(name)
    assert NewJob.model_validate({**JOB, "app_name": name}).app_name == wanted
    assert NamedApp(name=name).name == wanted


@pytest.mark.parametrize("name", ["Anonymous", "ＡＮＯＮＹＭＯＵＳ", "anony\u200bmous", "a\u202eb", "a b", "a\u3000b"])
def test_a_username_that_looks_like_another_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="username"):
        Registration.model_validate({"username": name, "password": "a long password", "email": "a@example.com"})


def test_a_text_of_many_marks_is_folded_piece_by_piece() -> None:
    piece = "\u0315\u0300" * 512
    assert names.folded(piece * 500) == names.folded(piece) * 500
