"""One chaos run: load and faults together, a wait until all is over, and the evidence."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from bench import waiting
from bench.chaos import history, letters, stack, watching
from bench.chaos.answers import answer
from bench.chaos.caller import Caller
from bench.chaos.evidence import Evidence
from bench.chaos.faults import Faults
from bench.chaos.invariants import of_others
from bench.chaos.journal import Journal
from bench.chaos.listening import Listener
from bench.chaos.load import Load
from bench.chaos.receiver import Receiver
from bench.chaos.scenario import Scenario
from bench.chaos.stack import Stack
from bench.servers import temporary_folder

_LISTENERS = 2
_LONGEST_STANDSTILL_SECONDS = 90.0
_QUEUES_EMPTY_SECONDS = 90.0
_TOLD_SECONDS = 90.0
_LOOK_SECONDS = 0.5


def run(scenario: Scenario, mutation: str | None = None, log: Path | None = None) -> Evidence:
    """Run one scenario. Returns all evidence; the log of the processes is kept at `log`, if that is given."""
    journal = Journal()
    with temporary_folder("chaos") as folder, ExitStack() as parts:
        receiver = parts.enter_context(Receiver(partial(answer, scenario.seed), journal))
        mail_port = parts.enter_context(letters.taking(journal))
        given = {
            "CALLBACK_BASE_URL": receiver.url,
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(mail_port),
        }
        if log is not None:
            parts.callback(lambda: log.write_bytes((folder / "carillon.log").read_bytes()))
        running = parts.enter_context(stack.running(scenario, folder, given, mutation))
        caller = Caller(running.url, journal)
        for number in range(_LISTENERS):
            parts.enter_context(Listener(f"listener {number + 1}", running.url, journal))
        _say("everything runs")
        with watching.Watcher(running, journal):
            _load_and_break(scenario, running, receiver, caller, journal)
            _wait_until_all_is_over(running)
        _say("all runs are over, or nothing changes any more")
        return _evidence(scenario, running, caller, journal)


def _load_and_break(scenario: Scenario, running: Stack, receiver: Receiver, caller: Caller, journal: Journal) -> None:
    load = Load(scenario, caller)
    faults = Faults(scenario, running, receiver, journal, load.flood)
    failed: list[BaseException] = []

    def break_things() -> None:
        try:
            faults.run()
        except BaseException as error:  # noqa: BLE001  raised by the thread that waits
            failed.append(error)

    breaking = threading.Thread(target=break_things, daemon=True)
    breaking.start()
    try:
        load.run()
    except BaseException:
        faults.stop()
        raise
    finally:
        breaking.join()
    _say("load and faults are over")
    if failed:
        raise failed[0]


def _wait_until_all_is_over(running: Stack) -> None:
    """Return when all runs and schedules are over, or when nothing has changed for a while, which the checker tells.

    While an occurrence is to come, nothing need change: a cron has one in two minutes.
    """
    left, last = history.unfinished(running.place)
    changed_at = time.monotonic()
    while left and time.monotonic() - changed_at < _LONGEST_STANDSTILL_SECONDS:
        time.sleep(_LOOK_SECONDS)
        left, now = history.unfinished(running.place)
        if now != last or history.is_one_to_come(running.place):
            last, changed_at = now, time.monotonic()


def _evidence(scenario: Scenario, running: Stack, caller: Caller, journal: Journal) -> Evidence:
    with suppress(TimeoutError):  # what is left is told by the checker
        waiting.until(
            lambda: not watching.messages_left(running),
            "empty queues",
            seconds=_QUEUES_EMPTY_SECONDS,
            rest_seconds=_LOOK_SECONDS,
        )
    downloads = {job_id: caller.download(job_id) for job_id in journal.uploads}
    place = running.place
    evidence = Evidence(
        journal=journal,
        lease_seconds=scenario.lease_seconds,
        fewest_calm=scenario.fewest_calm,
        jobs=tuple(history.jobs(place)),
        runs=tuple(history.runs(place)),
        attempts=tuple(history.attempts(place)),
        steps=tuple(history.steps(place)),
        polling_versions=tuple(history.polling_versions(place)),
        queues=watching.messages_left(running),
        downloads={job_id: content for job_id, content in downloads.items() if content is not None},
    )
    with suppress(TimeoutError):  # what listeners were not told by then is told by the checker
        waiting.until(
            lambda: not any(of_others.live_updates_go_forward(evidence)),
            "the last events",
            seconds=_TOLD_SECONDS,
            rest_seconds=_LOOK_SECONDS,
        )
    journal.closing.set()
    return evidence


def _say(words: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)
