"""The cluster drill: three nodes of RabbitMQ keep quorum queues; one is killed under load, then another in its turn."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

import requests

from bench import carillon as carillons
from bench import waiting
from bench.checkout import ours
from bench.drills import installation
from bench.drills.load import Load
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict, missing, say
from bench.servers import Place
from local.postgres import PrivatePostgres
from local.rabbitmq import PrivateRabbit
from local.rabbitmq_cluster import NODES, PrivateRabbitCluster

_STAGE_SECONDS = 8.0
_LATENESS = """
    SELECT COALESCE(MAX(EXTRACT(EPOCH FROM started_at - due_at)), 0)::DOUBLE PRECISION FROM runs
"""


def run(folder: Path) -> int:
    """Run the drill. Returns the exit status."""
    verdict = Verdict("cluster")
    with ExitStack() as parts:
        postgres = parts.enter_context(PrivatePostgres(folder / "postgres", durable=True))
        cluster = parts.enter_context(PrivateRabbitCluster(folder / "rabbitmq"))
        receiver = parts.enter_context(Receiver())
        place = Place(postgres.create_database("drill"), cluster.url, cluster.management_url)
        _judge_nodes(verdict, cluster)
        settings = installation.settings(receiver, rabbitmq_queue_type="quorum")
        running = parts.enter_context(carillons.installed(ours(), folder, place, settings))
        installation.start(running)
        with Load([running.url]) as load:
            time.sleep(_STAGE_SECONDS)
            for node in cluster.nodes[:2]:
                _break(node, cluster)
                running.children.check()
        running.wait_until(lambda: place.count(installation.UNFINISHED) == 0, "the end of all runs", rest_seconds=0.5)
        acknowledged, delivered = load.acknowledged(), receiver.jobs()
        verdict.expect(holds=set(acknowledged) <= delivered, found=missing(acknowledged, delivered))
        verdict.expect(holds=not load.refused, found=f"{load.refused.total()} creates were refused")
        repeated = receiver.repeated()
        verdict.expect(holds=not repeated, found=f"{len(repeated)} runs were called for more than once")
        [(latest,)] = place.query(_LATENESS)
        verdict.note(f"the latest run began {latest:.1f} s after it was due")
    return verdict.told()


def _break(node: PrivateRabbit, cluster: PrivateRabbitCluster) -> None:
    """Kill a node under load; start it again, and return when the cluster has all nodes."""
    say("killing a node")
    node.kill()
    time.sleep(_STAGE_SECONDS)
    node.start()
    others = next(one for one in cluster.nodes if one is not node)
    waiting.until(lambda: len(_running(others)) == NODES, "all nodes", rest_seconds=0.5)
    say("it is back")
    time.sleep(_STAGE_SECONDS)


def _judge_nodes(verdict: Verdict, cluster: PrivateRabbitCluster) -> None:
    waiting.until(lambda: len(_running(cluster.nodes[0])) == NODES, "all nodes", rest_seconds=0.5)
    verdict.note(f"the cluster has {', '.join(_running(cluster.nodes[0]))}")


def _running(node: PrivateRabbit) -> list[str]:
    found = requests.get(f"{node.management_url}/api/nodes", timeout=30).json()
    return sorted(one["name"] for one in found if one.get("running"))
