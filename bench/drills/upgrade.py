"""The upgrade drill: the processes of an earlier commit and of this tree side by side on one database, under load.

The earlier ones start; this tree migrates under them; its own processes join them; an earlier worker is started again,
as after a crash; then the earlier ones are stopped, kind by kind. Every acknowledged job of each kind must come to its
end as promised, and the limit that some are under must hold, whoever claims them.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench import carillon as carillons
from bench.carillon import Carillon
from bench.chaos import letters
from bench.checkout import ROOT, Checkout, of_commit, ours
from bench.drills import installation
from bench.drills.answers import SLOW, by_kind
from bench.drills.installation import KINDS
from bench.drills.judging import judge_kinds
from bench.drills.kinds import LIMITED_ACCOUNT, LIMITED_APP, MIXED
from bench.drills.limit_journal import Call, Put
from bench.drills.limit_judging import judge_limits
from bench.drills.load import Load
from bench.drills.receiver import Receiver
from bench.drills.sides import SideBySide, has_both, judge_sides
from bench.drills.verdict import Verdict, say
from bench.servers import Place, Servers

_STAGE_SECONDS = 6.0
_FAILED = "SELECT COUNT(*) FROM runs WHERE status = 'failed'"
_LOST = "SELECT COUNT(*) FROM attempts WHERE outcome = 'lost'"
_APPLIED = "SELECT name FROM schema_migration ORDER BY name"
_WORKER = "SELECT COUNT(*) FROM workers WHERE pid = %s"
_FAULTS = ("Traceback (most recent call last)", "coordinator_fault", "guard_fault", "ring_failed")


def run(folder: Path, since: str) -> int:
    """Run the drill from a commit to this tree. Returns the exit status."""
    verdict = Verdict(f"upgrade from {since}")
    servers = Servers(folder)
    with ExitStack() as parts:
        parts.callback(servers.close)
        servers.start()
        place = parts.enter_context(servers.place())
        receiver = parts.enter_context(Receiver(by_kind))
        mail_port = parts.enter_context(letters.taking(receiver.journal))
        mail = {"email_host": "127.0.0.1", "email_port": mail_port, "email_use_tls": False}
        settings = installation.settings(receiver, **mail)
        former_tree = of_commit(since, folder)
        former = parts.enter_context(carillons.installed(former_tree, folder, place, settings))
        newer = parts.enter_context(carillons.installed(ours(), folder, place, settings))
        load, put, span = _upgraded(former, newer, place, verdict)
        newer.wait_until(lambda: place.count(installation.UNFINISHED) == 0, "the end of all runs", rest_seconds=0.5)
        _judge(verdict, place, receiver, load)
        judge_kinds(verdict, place, receiver, load.created())
        judge_limits(verdict, place, _under(put.key, receiver), [put])
        judge_sides(verdict, place, span, load.created(), put.key)
        for tree, one in ((former_tree, former), (ours(), newer)):
            _judge_log(verdict, tree, one)
    return verdict.told()


def _upgraded(former: Carillon, newer: Carillon, place: Place, verdict: Verdict) -> tuple[Load, Put, SideBySide]:
    """Upgrade under load. Returns the load, which is over, the limit of it, and the time side by side."""
    installation.start(former)
    put = _limit(former)
    say("the earlier processes run")
    with Load([former.url], MIXED) as load:
        time.sleep(_STAGE_SECONDS)
        _migrate(newer, place, verdict)
        time.sleep(_STAGE_SECONDS)
        say("migrated under the earlier processes")
        span = _side_by_side(former, newer, place, load)
        load.urls.remove(former.url)
        for kind in reversed(KINDS):
            former.children.check()
            former.children.stop(kind)
        say("the earlier processes are stopped")
        time.sleep(_STAGE_SECONDS)
    return load, put, span


def _side_by_side(former: Carillon, newer: Carillon, place: Place, load: Load) -> SideBySide:
    """Start the newer processes, and one earlier worker again. Returns from when to when both sides were at work."""
    for kind in KINDS:
        newer.start(kind)
    load.urls.append(newer.url)
    _wait_for_worker(newer, place)
    span = SideBySide(time.time(), former.children.pids("worker"))
    time.sleep(_STAGE_SECONDS)
    names = [kind.name for kind in MIXED]
    newer.wait_until(
        lambda: has_both(span.attempts(place, load.created()), names), "each kind on both sides", rest_seconds=0.5
    )
    say("both run side by side")
    former.children.stop("worker")
    former.start("worker")
    _wait_for_worker(former, place)
    span.earlier += former.children.pids("worker")
    time.sleep(_STAGE_SECONDS)
    span.until = time.time()
    say("an earlier worker was started again on the newer schema")
    return span


def _wait_for_worker(running: Carillon, place: Place) -> None:
    """Return when the worker is at work."""
    [pid] = running.children.pids("worker")
    running.wait_until(lambda: place.query(_WORKER, (pid,))[0][0] > 0, "the worker", rest_seconds=0.2)


def _limit(running: Carillon) -> Put:
    """Limit those jobs of the load that are to be held. Returns the limit once all workers know of it."""
    running.put(f"/api/apps/{LIMITED_APP}", {})
    key, sent = f"account:{LIMITED_APP}/{LIMITED_ACCOUNT}", time.time()
    running.put(f"/api/limits/{key}", {"concurrency": 1})
    put = Put(key, sent, time.time(), concurrency=1)
    time.sleep(1)  # an engine asks each second whether there are limits
    return put


def _migrate(newer: Carillon, place: Place, verdict: Verdict) -> None:
    before = {name for (name,) in place.query(_APPLIED)}
    began = time.monotonic()
    newer.children.run([sys.executable, str(ROOT / "cli.py"), "migrate"], newer.environment, ROOT)
    applied = sorted({name for (name,) in place.query(_APPLIED)} - before)
    seconds = time.monotonic() - began
    verdict.expect(holds=bool(applied), found=f"{', '.join(applied) or 'nothing'} applied in {seconds:.1f} s")


def _under(key: str, receiver: Receiver) -> list[Call]:
    """Returns the calls under the limit: the slow ones."""
    slow = [call for call in receiver.calls() if call.task_type == SLOW]
    return [Call(one.run_id, one.attempt, (key,), one.started, one.ended or one.started) for one in slow]


def _judge(verdict: Verdict, place: Place, receiver: Receiver, load: Load) -> None:
    repeated, failed, lost = receiver.repeated(), place.count(_FAILED), place.count(_LOST)
    verdict.expect(holds=not repeated, found=f"{len(repeated)} runs were called for more than once")
    verdict.expect(holds=not failed and not lost, found=f"{failed} runs failed, {lost} attempts were lost")
    told = ", ".join(f"{count} x {what}" for what, count in load.refused.items()) or "none"
    verdict.expect(holds=set(load.refused) <= {"503"}, found=f"requests without success, sent again: {told}")


def _judge_log(verdict: Verdict, tree: Checkout, one: Carillon) -> None:
    lines = (one.data / "output.log").read_text(errors="replace").splitlines()
    faults = [line for line in lines if any(words in line for words in _FAULTS)]
    first = f", the first: {faults[0][:200]}" if faults else ""
    verdict.expect(holds=not faults, found=f"{len(faults)} faults in the log of {tree.name}{first}")
