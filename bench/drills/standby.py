"""The failover drill: the primary of PostgreSQL is killed under load, and its standby promoted.

With synchronous replication, nothing that was acknowledged may be lost. All processes have one DATABASE_URL with both
hosts, and find the new primary by themselves.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from bench import carillon as carillons
from bench import waiting
from bench.carillon import Carillon
from bench.checkout import ours
from bench.drills import installation
from bench.drills.load import Load
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict, missing, say
from bench.servers import Place
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from local.standby import PrivateStandby

_STAGE_SECONDS = 8.0
_SYNCHRONOUS = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
_JOBS = "SELECT id::TEXT FROM jobs"


def run(folder: Path, *, asynchronous: bool) -> int:
    """Run the drill. Returns the exit status."""
    verdict = Verdict(f"standby, {'asynchronous' if asynchronous else 'synchronous'} replication")
    with ExitStack() as parts:
        primary = parts.enter_context(PrivatePostgres(folder / "primary", durable=True))
        rabbit = parts.enter_context(PrivateRabbit(folder / "rabbitmq"))
        receiver = parts.enter_context(Receiver())
        first = Place(primary.create_database("drill"), rabbit.url, rabbit.management_url)
        standby = parts.enter_context(PrivateStandby(primary, folder / "standby"))
        if not asynchronous:
            _make_synchronous(first)
        second = Place(standby.create_database("drill"), rabbit.url, rabbit.management_url)
        both = Place(_both(first, second), rabbit.url, rabbit.management_url)
        settings = installation.settings(receiver, **installation.SHORT_LEASES)
        running = parts.enter_context(carillons.installed(ours(), folder, both, settings))
        load, pause_seconds = _failed_over(running, primary, standby)
        running.wait_until(lambda: second.count(installation.UNFINISHED) == 0, "the end of all runs", rest_seconds=0.5)
        verdict.note(f"creates were acknowledged again {pause_seconds:.1f} s after the kill")
        _judge(verdict, second, receiver, load)
    return verdict.told()


def _failed_over(running: Carillon, primary: PrivatePostgres, standby: PrivateStandby) -> tuple[Load, float]:
    """Kill the primary under load, and promote the standby. Returns the load, and for how long it had to wait."""
    installation.start(running)
    with Load([running.url]) as load:
        time.sleep(_STAGE_SECONDS)
        say("killing the primary")
        primary.kill()
        killed_at = time.monotonic()
        count = len(load.acknowledged())
        standby.promote()
        say("the standby is promoted")
        running.wait_until(lambda: len(load.acknowledged()) > count + 10, "acknowledged creates")
        pause_seconds = time.monotonic() - killed_at
        time.sleep(_STAGE_SECONDS)
    return load, pause_seconds


def _judge(verdict: Verdict, place: Place, receiver: Receiver, load: Load) -> None:
    acknowledged, delivered = load.acknowledged(), receiver.jobs()
    stored = {job_id for (job_id,) in place.query(_JOBS)}
    gone = [job_id for job_id in acknowledged if job_id not in stored]
    verdict.expect(holds=not gone, found=f"{len(gone)} of {len(acknowledged)} acknowledged jobs are not stored")
    verdict.expect(holds=set(acknowledged) <= delivered, found=missing(acknowledged, delivered))
    told = ", ".join(f"{count} x {what}" for what, count in load.refused.items()) or "none"
    verdict.expect(holds=set(load.refused) <= {"503"}, found=f"requests without success, sent again: {told}")
    repeated = receiver.repeated()
    verdict.note(f"{len(repeated)} runs were called for more than once (at least once is promised)")


def _make_synchronous(place: Place) -> None:
    place.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
    place.query("SELECT pg_reload_conf()")
    waiting.until(lambda: place.count(_SYNCHRONOUS) == 1, "a synchronous standby")


def _both(first: Place, second: Place) -> str:
    """Returns one URL with both hosts."""
    one, other = urlsplit(first.database_url), urlsplit(second.database_url)
    hosts = f"127.0.0.1:{one.port},127.0.0.1:{other.port}"
    return f"postgresql://{one.username}:{one.password}@{hosts}{one.path}?target_session_attrs=read-write"
