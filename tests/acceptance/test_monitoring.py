"""The board and the alarms that we hand out, with a real Prometheus that scrapes each process of an installation.

Alarms are to speak soon: Prometheus is given a copy of the rules in which each waits a second where it would wait
minutes, and which has the thresholds of SOONER.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import requests
import yaml

from local import install
from tests.acceptance.conftest import PLANNING_BY_ITSELF, QUICK
from tests.acceptance.installation import IMMEDIATE, ROOT, Installation, new_job
from tests.acceptance.journal import Answer, Call, Gate, Journal
from tests.acceptance.monitored import Monitored, monitored
from tests.figures import figures
from tests.waiting import LONGEST, until

MONITORING = ROOT / "docs" / "monitoring"
RULES, RULES_TEST, BOARD = MONITORING / "alerts.yml", MONITORING / "alerts_test.yml", MONITORING / "grafana.json"
OPERATIONS = ROOT / "docs" / "operations.md"
SOONER = {
    "CarillonTickMissing": ("> 30", "> 3"),
    "CarillonLoopFails": ("> 10", "> 2"),
    "CarillonBacklogOld": ("> 300", "> 5"),
    "CarillonRingsLost": ("[5m])) > 1", "[10s])) > 0"),
}
# Alarms that nothing sets off here, and why; promtool alone makes them fire.
NOT_SET_OFF = {"CarillonBeatMissing": "a beat comes once a minute: that none does shows only after more than one"}
THREADS = 2
LATE_SECONDS = 10  # as the rule has it
TEN_MINUTELY = {"type": "cron", "expression": "*/10 * * * *"}
pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("monitoring")]


def panels() -> list[str]:
    """Every query of the board."""
    board = json.loads(BOARD.read_text())
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]


def alarms() -> dict[str, dict[str, Any]]:
    """Every rule, by its name."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def compared() -> list[str]:
    """What each rule compares with its threshold."""
    return [re.sub(r" (==|>=?|<) [\d.]+$", "", rule["expr"]) for rule in alarms().values()]


def sooner() -> dict[str, Any]:
    """The rules, made to speak soon."""
    rules = [{**rule, **({"for": "1s"} if "for" in rule else {})} for rule in alarms().values()]
    for rule in rules:
        shipped, short = SOONER.get(rule["alert"], ("", ""))
        assert shipped in rule["expr"]
        rule["expr"] = rule["expr"].replace(shipped, short)
    return {"groups": [{"name": "carillon", "rules": rules}]}


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [install.ensure("prometheus") / "promtool", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_silent_while_all_is_well_and_speak_when_it_is_not() -> None:
    promtool("check", "rules", str(RULES))
    promtool("test", "rules", str(RULES_TEST))
    assert re.findall(r'alertname="(\w+)"', RULES_TEST.read_text()) == list(alarms())


def test_every_alarm_is_explained() -> None:
    explained = re.findall(r"^\| (Carillon\w+) \|", OPERATIONS.read_text(), re.MULTILINE)
    assert explained == list(alarms())


def test_the_embedded_server_has_on_one_page_what_the_board_and_the_alarms_ask_for(
    embedded: Installation, journal: Journal
) -> None:
    asked = set(re.findall(r"carillon_\w+", " ".join([*panels(), *compared()])))
    asked -= {"carillon_beat_age_seconds", "carillon_trouble"}  # nobody sends it a beat; no part is in trouble
    embedded.create(IMMEDIATE)

    def missing() -> set[str]:
        return asked - {name for name, _ in figures(requests.get(f"{embedded.url}/metrics", timeout=LONGEST).text)}

    until(lambda: not missing(), "the page to have everything")
    assert [call.task_type for call in journal.calls] == ["greet"]


@pytest.fixture(scope="module")
def carillon(tmp_path_factory: pytest.TempPathFactory, listening: Journal) -> Iterator[Monitored]:
    environment = {
        **QUICK,
        **PLANNING_BY_ITSELF,
        "WORKER_THREADS": str(THREADS),
        "CALLBACK_BASE_URL": listening.url,
    }
    with monitored(tmp_path_factory.mktemp("monitored"), environment, sooner()) as everything:
        yield everything


@pytest.fixture
def gate(journal: Journal) -> Gate:
    """Lets the test hold calls. The receiver refuses what is called `wrong`, and `again` at the first attempt."""
    journal.behave = gate = Gate(_answer)
    return gate


def _answer(call: Call) -> Answer:
    is_refused = call.task_type == "wrong" or (call.task_type == "again" and call.attempt == 1)
    return Answer(500 if is_refused else 200)


def test_prometheus_shows_the_figures_of_a_known_load(carillon: Monitored, gate: Gate) -> None:
    """The first test of this installation. No worker can do all of it: a gate holds the first call of each thread."""
    gate.close()
    immediate = [new_job(IMMEDIATE)] * 9
    again = [new_job(IMMEDIATE, task_type="again", retry_backoff_base=0.05)] * 2
    wrong = [new_job(IMMEDIATE, task_type="wrong", max_retries=0)]
    delayed = [new_job({"type": "delay_from_now", "duration_seconds": 1})] * 3
    carillon.web.create_all([*immediate, *again, *wrong, *delayed])
    gate.wait_until_held(2 * THREADS)
    gate.open()
    expected = {
        "sum by (outcome) (carillon_attempts_total) > 0": {("succeeded",): 14, ("failed",): 3},
        "sum by (status) (carillon_runs_ended_total) > 0": {("completed",): 14, ("failed",): 1},
        "sum by (fate) (carillon_runs_dispatched_total) > 0": {("start",): 5},  # what is delayed, or tried again
        "sum by (task_type) (carillon_attempt_duration_seconds_count)": {("greet",): 12, ("again",): 4, ("wrong",): 1},
        "sum(carillon_start_delay_seconds_count)": {(): 17},
        "sum(carillon_record_attempts_sum)": {(): 17},
        'count(sum by (instance) (carillon_attempts_total{outcome="succeeded"}) > 0)': {(): 2},
    }
    until(lambda: carillon.web.count("completed") + carillon.web.count("failed") == 15, "all jobs to end")
    for _ in range(2):  # and nothing is counted late
        until(lambda: carillon.prometheus.all_figures(expected) == expected, f"Prometheus to show {expected}")
        carillon.scraped_again()


def test_the_board_finds_its_series_and_each_alarm_fires_when_that_happens_of_which_it_warns(
    carillon: Monitored, gate: Gate
) -> None:
    """The last test of this installation, which it leaves broken. It may have to wait for the beat of a minute."""
    until(lambda: not carillon.prometheus.firing(), "all to be well")
    _a_receiver_fails(carillon)
    _jobs_cannot_be_planned(carillon)
    _a_worker_dies(carillon, gate)
    _the_database_lets_nobody_in(carillon)
    _the_board_and_the_rules_find_their_series(carillon)
    _rabbitmq_dies(carillon)
    _the_coordinator_stops(carillon)
    assert carillon.fired.isdisjoint(NOT_SET_OFF)
    assert carillon.fired | NOT_SET_OFF.keys() == alarms().keys()


def _a_receiver_fails(carillon: Monitored) -> None:
    with carillon.sets_off("CarillonRunsFail"):
        carillon.web.create_many(10, IMMEDIATE, task_type="wrong", max_retries=0)


def _jobs_cannot_be_planned(carillon: Monitored) -> None:
    """One has no schedule that could be read; of the other, it is as if no coordinator had planned for an hour."""
    unreadable, missed = (carillon.web.create(TEN_MINUTELY, catch_up="skip") for _ in range(2))
    with carillon.sets_off("CarillonJobsPutOff", "CarillonOccurrencesMissed"):
        carillon.execute("UPDATE jobs SET schedule = '{}', next_run_at = now() WHERE id = %s", unreadable)
        carillon.execute("UPDATE jobs SET next_run_at = now() - interval '1 hour' WHERE id = %s", missed)


def _a_worker_dies(carillon: Monitored, gate: Gate) -> None:
    """It dies with its hands full. The other one has them full, too, until the gate opens: the rest waits for both."""
    with carillon.sets_off("CarillonRunsStartLate"):  # on a slow machine it may speak before the gate opens
        with carillon.sets_off("CarillonWorkersFull"):
            gate.close()
            carillon.web.create_many(30, IMMEDIATE)
            late_from = time.monotonic() + LATE_SECONDS
            gate.wait_until_held(2 * THREADS)
        with carillon.sets_off("CarillonAttemptsLost", "CarillonBacklogOld"):
            carillon.processes["worker1"].kill("worker")
        until(lambda: time.monotonic() > late_from, "those that wait to be late")
        gate.open()


def _the_board_and_the_rules_find_their_series(carillon: Monitored) -> None:
    for query in (*panels(), *compared()):
        until(partial(carillon.prometheus.found, query), f"Prometheus to find a series for {query}")
    assert carillon.prometheus.rules() == dict.fromkeys(alarms(), "ok")


def _the_database_lets_nobody_in(carillon: Monitored) -> None:
    with carillon.sets_off("CarillonDatabaseAway", "CarillonDatabaseFault", "CarillonLoopFails"):
        carillon.refuse_connections()
    carillon.take_connections()
    until(carillon.web.is_ready, "the API to answer")


def _rabbitmq_dies(carillon: Monitored) -> None:
    with carillon.sets_off("CarillonBrokerAway", "CarillonRingsLost", "CarillonInTrouble"):
        carillon.rabbit.kill()
        carillon.web.create_many(10, IMMEDIATE)


def _the_coordinator_stops(carillon: Monitored) -> None:
    with carillon.sets_off("CarillonProcessDown", "CarillonTickMissing"):
        carillon.processes["coordinator"].supervisor.stop()
