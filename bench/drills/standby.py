"""The failover drill: the primary of PostgreSQL is killed under load, and its standby promoted.

With synchronous replication, nothing that was acknowledged may be lost. With asynchronous replication what the standby
did not have yet is lost, and nothing else; if the mark of the installation is part of that, the guard must hold all
runs until they are released. All processes have one DATABASE_URL with both hosts, and find the new primary by
themselves.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from bench import carillon as carillons
from bench.carillon import Carillon
from bench.checkout import ours
from bench.drills import guard, installation, losses, replication
from bench.drills.load import Load
from bench.drills.losses import Failover
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict, say
from bench.servers import Place
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from local.standby import PrivateStandby

BEHIND_SECONDS = 2.0
_STAGE_SECONDS = 8.0
_JOBS = "SELECT id::TEXT FROM jobs"
_IDENTITY_AND_MARK = "SELECT identity, mark FROM installation"
_MARKED_SINCE = "SELECT COUNT(*) FROM installation WHERE EXTRACT(EPOCH FROM marked_at) > %s"
_RESTORES = "SELECT COUNT(*) FROM installation WHERE restored_at IS NOT NULL"
_NOT_HELD = "SELECT COUNT(*) FROM runs WHERE finished_at IS NULL AND held_by IS DISTINCT FROM 'restored'"


def run(folder: Path, *, behind_seconds: float | None) -> int:
    """Run the drill. Returns the exit status.

    Replication is synchronous, or else the standby is so many seconds behind when the primary is killed.
    """
    is_synchronous = behind_seconds is None
    verdict = Verdict(f"standby, {'synchronous' if is_synchronous else 'asynchronous'} replication")
    with ExitStack() as parts:
        primary = parts.enter_context(PrivatePostgres(folder / "primary", durable=True))
        rabbit = parts.enter_context(PrivateRabbit(folder / "rabbitmq"))
        receiver = parts.enter_context(Receiver())
        first = Place(primary.create_database("drill"), rabbit.url, rabbit.management_url)
        standby = parts.enter_context(PrivateStandby(primary, folder / "standby"))
        if is_synchronous:
            replication.make_synchronous(first)
        second = Place(standby.create_database("drill"), rabbit.url, rabbit.management_url)
        both = Place(_both(first, second), rabbit.url, rabbit.management_url)
        settings = installation.settings(receiver, **installation.SHORT_LEASES)
        running = parts.enter_context(carillons.installed(ours(), folder, both, settings))
        installation.start(running)
        with Load([running.url]) as load:
            time.sleep(_STAGE_SECONDS)
            failover, is_mark_lost = _failed_over(running, primary, standby, second, behind_seconds or 0)
            _wait_for_creates(verdict, running, load, failover)
            time.sleep(_STAGE_SECONDS)
        _judge_guard(verdict, running, second, failover, is_mark_lost=is_mark_lost)
        running.wait_until(lambda: second.count(installation.UNFINISHED) == 0, "the end of all runs", rest_seconds=0.5)
        _judge(verdict, second, receiver, load, None if is_synchronous else failover)
    return verdict.told()


def _failed_over(
    running: Carillon, primary: PrivatePostgres, standby: PrivateStandby, place: Place, behind_seconds: float
) -> tuple[Failover, bool]:
    """Kill the primary when the standby is behind, and promote that. Returns the times, and whether the mark was lost.

    It was if a process of this host has seen a later one than that which the standby has.
    """
    followed_until = time.time()
    if behind_seconds:
        replication.cut_off(place)
        say("the standby follows no more")
        time.sleep(behind_seconds)
    say("killing the primary")
    primary.kill()
    killed_at = time.time()
    replication.wait_until_replayed(place)
    [(identity, mark)] = place.query(_IDENTITY_AND_MARK)
    seen_mark = int((running.data / "marks" / identity).read_text())
    standby.promote()
    say("the standby is promoted")
    return Failover(followed_until, killed_at, time.time()), seen_mark > mark


def _wait_for_creates(verdict: Verdict, running: Carillon, load: Load, failover: Failover) -> None:
    count = len(load.acknowledged())
    running.wait_until(lambda: len(load.acknowledged()) > count + 10, "acknowledged creates")
    verdict.note(f"creates were acknowledged again {time.time() - failover.killed_at:.1f} s after the kill")


def _judge_guard(verdict: Verdict, running: Carillon, place: Place, failover: Failover, *, is_mark_lost: bool) -> None:
    """Judge whether all runs are held if, and only if, the mark was lost; release them as an operator does."""
    since = (failover.promoted_at,)
    running.wait_until(lambda: place.query(_MARKED_SINCE, since)[0][0] > 0, "a look of the guard", rest_seconds=0.2)
    is_held = place.count(_RESTORES) > 0
    told = f"the mark was {'lost' if is_mark_lost else 'kept'}, and the guard holds {'all runs' if is_held else 'none'}"
    verdict.expect(holds=is_held == is_mark_lost, found=told)
    if is_held:
        _release(verdict, running, place)


def _release(verdict: Verdict, running: Carillon, place: Place) -> None:
    running.wait_until(lambda: place.count(_NOT_HELD) == 0, "the hold of all runs", rest_seconds=0.5)
    running.wait_until(lambda: "restore" in guard.troubled_parts(running), "/readyz to say so", rest_seconds=0.5)
    for app_name, (begun, not_begun) in guard.held(running).items():
        say(f"held of {app_name}: {begun} runs that had begun, {not_begun} that had not")
    expected = place.count(installation.UNFINISHED)
    released = guard.release(running)
    verdict.expect(holds=released == expected, found=f"{expected} runs were held, and {released} released")


def _judge(verdict: Verdict, place: Place, receiver: Receiver, load: Load, failover: Failover | None) -> None:
    """Judge what was lost (without a failover that may lose something: nothing), and whether the rest was delivered."""
    stored = {job_id for (job_id,) in place.query(_JOBS)}
    holds, found = losses.judged(load.created(), stored, failover)
    verdict.expect(holds=holds, found=found)
    left = stored - receiver.jobs()
    verdict.expect(holds=not left, found=f"{len(stored)} jobs are stored, {len(left)} of them were never delivered")
    told = ", ".join(f"{count} x {what}" for what, count in load.refused.items()) or "none"
    verdict.expect(holds=set(load.refused) <= {"503"}, found=f"requests without success, sent again: {told}")
    odd = [call for call in receiver.calls() if call.key != call.run_id]
    verdict.expect(
        holds=not odd, found=f"{receiver.total()} calls, {len(odd)} of them under another key than their run's"
    )
    verdict.note(f"{len(receiver.repeated())} runs were called for more than once (at least once is promised)")


def _both(first: Place, second: Place) -> str:
    """Returns one URL with both hosts."""
    one, other = urlsplit(first.database_url), urlsplit(second.database_url)
    hosts = f"127.0.0.1:{one.port},127.0.0.1:{other.port}"
    return f"postgresql://{one.username}:{one.password}@{hosts}{one.path}?target_session_attrs=read-write"
