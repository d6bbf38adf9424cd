"""Instants as texts name them: RFC 3339, and what ISO 8601 has besides."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from core import instants

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2027-03-01T09:30:00Z", "2027-03-01T09:30:00Z"),
        ("2027-03-01t09:30:00z", "2027-03-01T09:30:00Z"),
        ("2027-03-01 09:30:00z", "2027-03-01T09:30:00Z"),
        ("2027-03-01T09:30:00-00:00", "2027-03-01T09:30:00Z"),
        ("2027-03-01T09:30:00+01:00", "2027-03-01T08:30:00Z"),
        ("2027-03-01T00:00:00+23:59", "2027-02-28T00:01:00Z"),
        ("2027-03-01T09:30:00.5Z", "2027-03-01T09:30:00.500000Z"),
        ("2027-03-01T09:30:00,5Z", "2027-03-01T09:30:00.500000Z"),
        ("2027-03-01T09:30:00.1234567891234Z", "2027-03-01T09:30:00.123456Z"),
        ("2027-03-01", "2027-03-01T00:00:00Z"),
        ("20270301T093000Z", "2027-03-01T09:30:00Z"),
        ("2027-w09-1t09:30", "2027-03-01T09:30:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T23:59:60.25Z", "2017-01-01T00:00:00.250000Z"),
        ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"),
        ("20150630T235960Z", "2015-07-01T00:00:00Z"),
    ],
)
def test_an_instant_is_read(text: str, shown: str) -> None:
    assert instants.shown(instants.read(text, UTC)) == shown


def test_without_an_offset_it_is_on_the_clocks_of_the_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert instants.shown(instants.read("2027-03-01t09:30", berlin)) == "2027-03-01T08:30:00Z"
    assert instants.shown(instants.read("2017-01-01T00:59:60", berlin)) == "2017-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        " 2027-03-01",
        "2027-03-01T",
        "2027-03-01x09:30:00Z",
        "2027-03-01T24:00:00Z",
        "2027-03-01T09:30:61Z",
        "2027-03-01T09:30:00+24:00",
        "2027-03-01T09:30:00+01:60",
        "2027-03-01T09:30:00.Z",
        "2027-03-01Z",
        "10000-01-01T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "\uff12\uff10\uff12\uff17-03-01T09:30:00Z",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no date and time"):
        instants.read(text, UTC)


@pytest.mark.parametrize("text", ["2027-03-01T12:00:60Z", "2027-03-01T23:59:60Z", "2016-12-31T23:59:60+01:00"])
def test_a_leap_second_elsewhere_than_at_the_end_of_a_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the last of a month in UTC"):
        instants.read(text, UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "9999-12-31T23:59:60Z"])
def test_beyond_the_calendar_there_is_no_instant(text: str) -> None:
    with pytest.raises(OverflowError):
        instants.read(text, UTC)
