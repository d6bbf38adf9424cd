"""Troubles: what RabbitMQ's refusals mean, and that each is said once."""

from __future__ import annotations

import pika.exceptions
import pytest
import structlog
from dramatiq.errors import ConnectionClosed

from services.messaging.broker_troubles import AWAY, FULL, REFUSED_USER, REFUSED_VHOST, trouble_of
from services.runtime.troubles import Trouble, Troubles

QUEUE = "runs.http"
FULL_QUEUE = Trouble(QUEUE, "The queue takes no more.", "Change the policy.")
DECLARED_OTHERWISE = "PRECONDITION_FAILED - inequivalent arg '{}' for queue '{}' in vhost 'x': received ..."


def closed(code: int, text: str) -> Exception:
    """How Dramatiq hands on that RabbitMQ closed a channel."""
    error: Exception = ConnectionClosed(pika.exceptions.ChannelClosedByBroker(code, text))  # type: ignore[no-untyped-call]
    return error


@pytest.mark.parametrize(
    ("error", "part", "detail", "remedy"),
    [
        (closed(406, DECLARED_OTHERWISE.format("x-max-priority", QUEUE)), QUEUE, "'x-max-priority'", "Delete the"),
        (
            closed(406, DECLARED_OTHERWISE.format("durable", "runs.http.XQ")),
            "runs.http.XQ",
            "'durable'",
            "runs.http.XQ",
        ),
        (closed(403, f"ACCESS_REFUSED - access to queue '{QUEUE}' refused"), QUEUE, "does not let", "configure, write"),
        (closed(403, "ACCESS_REFUSED - access to exchange 'amq.default' refused"), QUEUE, "does not let", "write"),
        (closed(405, f"RESOURCE_LOCKED - exclusive access to queue '{QUEUE}'"), QUEUE, "exclusive", "Close the"),
        (
            closed(404, f"NOT_FOUND - home node 'rabbit@a' of durable queue '{QUEUE}' in vhost '/' is down"),
            QUEUE,
            "node",
            "Start that node",
        ),
        (closed(404, f"NOT_FOUND - no queue '{QUEUE}' in vhost '/'"), QUEUE, "it is gone", "declared again"),
        (pika.exceptions.NackError([]), QUEUE, "takes no more", "policy"),
    ],
)
def test_a_refusal_names_the_queue_and_the_remedy(error: Exception, part: str, detail: str, remedy: str) -> None:
    trouble = trouble_of(QUEUE, error)
    assert trouble.part == part
    assert detail in trouble.detail
    assert remedy in trouble.remedy


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ConnectionRefusedError(), AWAY),
        (pika.exceptions.AMQPConnectionError(OSError("no route")), AWAY),
        (pika.exceptions.ConnectionClosedByBroker(320, "CONNECTION_FORCED - shutdown"), AWAY),
        (
            pika.exceptions.ProbableAuthenticationError(pika.exceptions.ConnectionClosed(403, "login refused")),
            REFUSED_USER,
        ),
        (pika.exceptions.ConnectionClosedByBroker(530, "NOT_ALLOWED - vhost x not found"), REFUSED_VHOST),
        (pika.exceptions.ConnectionBlockedTimeout(), FULL),
    ],
)
def test_what_is_wrong_with_the_broker_itself_is_the_same_for_every_queue(error: Exception, trouble: Trouble) -> None:
    assert trouble_of(QUEUE, error) == trouble == trouble_of("beats", error)


def test_a_trouble_is_said_once_as_it_begins_and_once_when_it_is_over_for_all_who_noticed_it() -> None:
    troubles = Troubles()
    with structlog.testing.capture_logs() as lines:
        for noticed_by in ("runs.http", "runs.http.DQ", "runs.http"):
            troubles.begin(noticed_by, AWAY, "refused")
        troubles.end("runs.http")
        assert troubles.present() == [AWAY]
        troubles.end("runs.http.DQ")
        troubles.end("runs.http.DQ")
    assert troubles.present() == []
    assert [line["event"] for line in lines] == ["trouble", "trouble_over"]
    assert (lines[0]["part"], lines[0]["remedy"], lines[0]["error"]) == ("broker", AWAY.remedy, "refused")
    assert lines[0]["log_level"] == "warning"


def test_a_trouble_that_comes_back_is_said_again() -> None:
    troubles = Troubles()
    with structlog.testing.capture_logs() as lines:
        for _ in range(2):
            troubles.begin("dispatch", AWAY)
            troubles.end("dispatch")
    assert [line["event"] for line in lines] == ["trouble", "trouble_over"] * 2


def test_a_trouble_in_whose_place_another_comes_is_over() -> None:
    troubles = Troubles()
    with structlog.testing.capture_logs() as lines:
        for trouble in (AWAY, FULL_QUEUE, FULL_QUEUE):
            troubles.begin("runs.http", trouble)
    assert troubles.present() == [FULL_QUEUE]
    said = [(line["event"], line["part"]) for line in lines]
    assert said == [("trouble", "broker"), ("trouble_over", "broker"), ("trouble", QUEUE)]
