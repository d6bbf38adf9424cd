"""The verdict: the worst that holds, with its reason and where more is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from core.alerting import AlertKind
from core.pauses import Paused
from core.principals import PrincipalKind
from core.states import Hold
from pages import verdict
from pages.verdict import Facts
from services.reading.failures.breakers import BreakerView
from services.reading.failures.failing_hosts import FailingHost
from services.reading.failures.open_alerts import OpenAlert, OpenAlerts
from services.reading.installation.process_health import PartView
from services.reading.pauses.latest_pauses import PauseView
from services.reading.pauses.pauses_in_force import PausedApps, PauseInForce
from services.reading.statistics.minute_statistics import MinuteFigures, UnknownMinute
from services.reading.waiting import Waiting, WaitView
from tests.factories import NOON

NOTHING_WAITS = Waiting([], 0, is_cut=False)
WELL = Facts(
    now=NOON,
    zone=ZoneInfo("UTC"),
    paused_at=None,
    parts=[PartView("database", is_well=True, detail="answers")],
    waiting=NOTHING_WAITS,
    minutes=[MinuteFigures(NOON, completed=1_201, failed=3, lateness_p95_seconds=0.012)],
)


def waits(seconds: float, held_by: Hold | None = None, key: str = "account:crm/acc7") -> Waiting:
    due = NOON - timedelta(seconds=seconds)
    group = WaitView("crm", "acc7", "runs.http", held_by, 412, due, NOON + timedelta(seconds=190), key)
    return Waiting([group], 412, is_cut=False)


def text(**changes: Any) -> str:
    return " | ".join(one.text for one in verdict.of(replace(WELL, **changes)))


def test_all_is_well_is_said_with_figures() -> None:
    assert (
        text()
        == "All is well. 1,204 runs in the last hour, 3 failed, 95 % began within 12 ms even in the worst minute."
    )
    assert text(minutes=[]) == "All is well. Nothing has run in the last hour."
    assert text(minutes=None) == "All is well."


def test_minutes_that_are_not_known_are_not_counted_as_quiet() -> None:
    unknown = [UnknownMinute(NOON), UnknownMinute(NOON)]
    assert text(minutes=unknown) == "All is well. Of the last hour, 2 minutes are not known."
    known = MinuteFigures(NOON, completed=5)
    assert text(minutes=[UnknownMinute(NOON), known]).endswith(" Of the last hour, 1 minute is not known.")


def test_runs_that_wait_for_long_have_a_reason() -> None:
    said = text(waiting=waits(61, Hold.RATE_LIMIT))
    assert said == (
        "412 runs wait: account acc7 of crm has used up its rate until Fri 20 Nov 2026 12:03:10 (account:crm/acc7)."
    )
    assert "no worker has been free for those of crm on runs.http for 2 min" in text(waiting=waits(120))


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("installation", "the installation"),
        ("app:crm", "the app crm"),
        ("account:crm/acc7", "account acc7 of crm"),
        ("host:api.example.com", "the host api.example.com"),
        ("job:01a22ea4-faaf-7445-bd87-8b389a445591", "the job 01a22ea4-faaf-7445-bd87-8b389a445591"),
        ("key:crm/orders-eu/7", "the key orders-eu/7 of crm"),
        ("moon:crm", "what a limit is on"),
    ],
)
def test_what_a_limit_holds_is_told_by_what_the_limit_is_on(key: str, what: str) -> None:
    by_rate, by_number = (text(waiting=waits(61, one, key)) for one in (Hold.RATE_LIMIT, Hold.CONCURRENCY))
    assert by_rate == f"412 runs wait: {what} has used up its rate until Fri 20 Nov 2026 12:03:10 ({key})."
    assert by_number == f"412 runs wait: {what} has as many runs at once as its limit allows ({key})."


def test_short_waits_and_those_that_somebody_wanted_are_no_news() -> None:
    for waiting in (waits(59), waits(3_600, Hold.PAUSED), waits(3_600, Hold.OVERLAP)):
        assert text(waiting=waiting).startswith("All is well.")


def test_a_part_that_is_amiss_comes_before_what_follows_from_it() -> None:
    amiss = [PartView("workers", is_well=False, detail="none is alive")]
    found = verdict.of(replace(WELL, parts=amiss, waiting=waits(600)))[0]
    assert (found.tone, found.path) == ("bad", "#parts")
    assert "workers" in found.text


def test_a_pause_of_everything_comes_first() -> None:
    [found] = verdict.of(replace(WELL, paused_at=NOON - timedelta(minutes=5), waiting=waits(600, Hold.PAUSED)))
    assert found.text == "Everything was paused 5 min ago; 412 runs wait."
    assert found.path == "/dashboard/queues"


def test_each_paused_app_is_named_and_leads_to_where_it_is_resumed_or_to_its_jobs() -> None:
    by = PauseView(NOON, PrincipalKind.USER, "ada", "It moves")
    since, until = NOON - timedelta(minutes=5), NOON + timedelta(hours=1)
    seen = PauseInForce(Paused.APP, since, until, by, uuid4(), "crm/eu")
    unseen = PauseInForce(Paused.APP, since, None, None, uuid4(), "default", is_seen=False)
    first, second = verdict.of(
        replace(WELL, paused_apps=PausedApps([seen, unseen], 2), waiting=waits(600, Hold.PAUSED))
    )
    assert first.text == ("The app crm/eu was paused 5 min ago until Fri 20 Nov 2026 13:00:00, by ada: “It moves”.")
    assert first.path == "/dashboard/apps/crm%2Feu"
    assert (second.text, second.path) == (
        "The app default was paused 5 min ago.",
        "/dashboard/jobs?app_name=default",
    )
    assert text(paused_apps=PausedApps([seen] * 3, 5)).endswith(" | 2 more apps are paused.")


def test_a_receiver_that_is_left_alone_is_told_with_since_when_and_its_error_and_leads_to_it() -> None:
    key = "destination:crm/crm.example.com"
    since = NOON - timedelta(minutes=18)
    breaker = BreakerView(key, "crm", "crm.example.com", since, 0, NOON, waiting=1)
    host = FailingHost("crm.example.com", "crm", since, NOON, None, None, 9, "503 Service Unavailable", uuid4(), [])
    group = WaitView("crm", "acc7", "runs.http", Hold.DESTINATION, 1, since, NOON, key)
    facts = replace(WELL, breakers=[breaker], failing_hosts=[host], waiting=Waiting([group], 1, is_cut=False))
    [found] = verdict.of(facts)
    assert found.text == (
        "Most calls of crm to crm.example.com fail: “503 Service Unavailable”. "
        "Its circuit breaker opened 18 min ago; 1 run waits."
    )
    assert (found.tone, found.path) == ("bad", "/dashboard/queues/breaker?key=destination%3Acrm%2Fcrm.example.com")
    [unseen] = verdict.of(replace(facts, breakers=[]))
    assert unseen.text.startswith("1 run waits: most of the last calls of crm failed")
    assert verdict.of(replace(facts, breakers=[breaker] * 5))[3].text.startswith("2 more circuit breakers are open")


def test_many_failures_and_lateness_are_told() -> None:
    failing = [MinuteFigures(NOON, completed=9, failed=1)]
    assert text(minutes=failing) == "1 of 10 runs in the last hour failed for good."
    assert text(minutes=[MinuteFigures(NOON, completed=9, lateness_p95_seconds=61.0)]).startswith("Runs begin late")
    long_ago = [MinuteFigures(NOON, completed=9, lateness_p95_seconds=61.0), *[MinuteFigures(NOON)] * 5]
    assert text(minutes=long_ago).startswith("All is well")


def test_many_failures_are_told_until_they_are_clearly_fewer() -> None:
    of_before = [MinuteFigures(NOON, completed=9, failed=1)]
    assert text(minutes=[*of_before, MinuteFigures(NOON, completed=1)]).startswith("1 of 11 runs")
    assert text(minutes=[*of_before, MinuteFigures(NOON, completed=20)]).startswith("All is well"), "by now 1 in 30"
    quiet = [MinuteFigures(NOON)] * 4
    assert text(minutes=[*of_before, MinuteFigures(NOON, completed=1), *quiet]).startswith("1 of 11 runs")
    assert text(minutes=[*of_before, MinuteFigures(NOON, completed=1), *quiet, *quiet]).startswith("All is well")


def test_jobs_that_fail_each_time_come_before_all_is_well_and_hide_nothing_else() -> None:
    failing = [alert("Import bank file", 9), alert("Sync", 6), alert("Late one", 0)]
    alerts = OpenAlerts(failing, is_cut=False)
    told = text(alerts=alerts, waiting=waits(61, Hold.RATE_LIMIT))
    assert told.startswith("2 jobs fail each time: Import bank file (9 in a row), Sync (6 in a row). | 412 runs wait:")
    many = OpenAlerts([alert(f"job {number}", 5) for number in range(5)], is_cut=False)
    assert text(alerts=many).endswith("job 2 (5 in a row) and 2 more.")


def test_what_a_rate_holds_is_named_with_its_account_and_is_not_late() -> None:
    held = [MinuteFigures(NOON, completed=9, lateness_p95_seconds=111.0, held={Hold.RATE_LIMIT: 40})]
    assert text(minutes=held, waiting=waits(30, Hold.RATE_LIMIT)).startswith("412 runs wait: account acc7 of crm has")
    assert text(minutes=held).startswith("All is well.")


def alert(name: str, failures: int) -> OpenAlert:
    kind = AlertKind.FAILING if failures else AlertKind.LATE
    return OpenAlert(kind, uuid4(), None, name, "crm", "sync", failures, None if failures else NOON)
