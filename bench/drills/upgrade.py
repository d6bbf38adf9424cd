"""The upgrade drill: the processes of an earlier commit and of this tree side by side on one database, under load.

The earlier ones start; this tree migrates under them; its own processes join them; an earlier worker is started again,
as after a crash; then the earlier ones are stopped, kind by kind. Nothing that was acknowledged may be lost.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench import carillon as carillons
from bench.carillon import Carillon
from bench.checkout import ROOT, Checkout, of_commit, ours
from bench.drills import installation
from bench.drills.installation import KINDS
from bench.drills.load import Load
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict, missing, say
from bench.servers import Place, Servers

_STAGE_SECONDS = 6.0
_FAILED = "SELECT COUNT(*) FROM runs WHERE status = 'failed'"
_LOST = "SELECT COUNT(*) FROM attempts WHERE outcome = 'lost'"
_APPLIED = "SELECT name FROM schema_migration ORDER BY name"
_FAULTS = ("Traceback (most recent call last)", "coordinator_fault", "guard_fault", "ring_failed")


def run(folder: Path, since: str) -> int:
    """Run the drill from a commit to this tree. Returns the exit status."""
    verdict = Verdict(f"upgrade from {since}")
    servers = Servers(folder)
    with ExitStack() as parts:
        parts.callback(servers.close)
        servers.start()
        place = parts.enter_context(servers.place())
        receiver = parts.enter_context(Receiver())
        settings = installation.settings(receiver)
        former_tree = of_commit(since, folder)
        former = parts.enter_context(carillons.installed(former_tree, folder, place, settings))
        newer = parts.enter_context(carillons.installed(ours(), folder, place, settings))
        load = _upgraded(former, newer, place, verdict)
        acknowledged = load.acknowledged()
        newer.wait_until(lambda: place.count(installation.UNFINISHED) == 0, "the end of all runs", rest_seconds=0.5)
        _judge(verdict, place, receiver, load, acknowledged)
        for tree, one in ((former_tree, former), (ours(), newer)):
            _judge_log(verdict, tree, one)
    return verdict.told()


def _upgraded(former: Carillon, newer: Carillon, place: Place, verdict: Verdict) -> Load:
    """Upgrade under load. Returns the load, which is over."""
    installation.start(former)
    say("the earlier processes run")
    with Load([former.url]) as load:
        time.sleep(_STAGE_SECONDS)
        before = {name for (name,) in place.query(_APPLIED)}
        began = time.monotonic()
        newer.children.run([sys.executable, str(ROOT / "cli.py"), "migrate"], newer.environment, ROOT)
        applied = sorted({name for (name,) in place.query(_APPLIED)} - before)
        seconds = time.monotonic() - began
        verdict.expect(holds=bool(applied), found=f"{', '.join(applied) or 'nothing'} applied in {seconds:.1f} s")
        time.sleep(_STAGE_SECONDS)
        say("migrated under the earlier processes")
        for kind in KINDS:
            newer.start(kind)
        load.urls.append(newer.url)
        time.sleep(_STAGE_SECONDS)
        say("both run side by side")
        former.children.stop("worker")
        former.start("worker")
        time.sleep(_STAGE_SECONDS)
        say("an earlier worker was started again on the newer schema")
        load.urls.remove(former.url)
        for kind in reversed(KINDS):
            former.children.check()
            former.children.stop(kind)
        say("the earlier processes are stopped")
        time.sleep(_STAGE_SECONDS)
    return load


def _judge(verdict: Verdict, place: Place, receiver: Receiver, load: Load, acknowledged: list[str]) -> None:
    delivered = receiver.jobs()
    verdict.expect(holds=set(acknowledged) <= delivered, found=missing(acknowledged, delivered))
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
