"""A standby that follows synchronously, that is cut off, and that has replayed all it has."""

from __future__ import annotations

from bench import waiting
from bench.servers import Place

_SYNCHRONOUS = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
_RECEIVES = "SELECT COUNT(*) FROM pg_stat_wal_receiver"
_HAS_REPLAYED = """
    SELECT COUNT(*) FROM pg_stat_activity
    WHERE backend_type = 'startup' AND wait_event IN ('RecoveryWalStream', 'RecoveryRetrieveRetryInterval')
"""


def make_synchronous(primary: Place) -> None:
    """Have commits wait for the standby; return when it is one that they wait for."""
    primary.query("ALTER SYSTEM SET synchronous_standby_names = '*'")
    primary.query("SELECT pg_reload_conf()")
    waiting.until(lambda: primary.count(_SYNCHRONOUS) == 1, "a synchronous standby")


def cut_off(standby: Place) -> None:
    """Have the standby follow no more; return when nothing more comes to it."""
    standby.query("ALTER SYSTEM SET primary_conninfo = ''")
    standby.query("SELECT pg_reload_conf()")
    wait_until_replayed(standby)


def wait_until_replayed(standby: Place) -> None:
    """Return when the standby, to which nothing comes any more, shows all that came."""
    waiting.until(lambda: standby.count(_RECEIVES) == 0, "the end of the stream")
    waiting.until(lambda: standby.count(_HAS_REPLAYED) == 1, "the end of the replay")
