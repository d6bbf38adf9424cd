"""A kept connection that ends before an answer, or within it."""

from __future__ import annotations

import socket

import pytest

from actors.calls import http
from core.errors import Aborted, AbortReason, TransientFailure
from tests.unit.actors import hostile
from tests.unit.actors.http_handler.calling import OK, call
from tests.unit.actors.http_handler.keeping import kept

pytestmark = pytest.mark.usefixtures("keeps_long")


def once_then(end: hostile.Behaviour) -> hostile.Behaviour:
    """Answers the first request of a connection, and treats the second so."""

    def behave(server: hostile.Hostile, accepted: socket.socket) -> None:
        hostile.read_request(server, accepted)
        accepted.sendall(OK)
        end(server, accepted)

    return behave


@pytest.mark.parametrize("end", [hostile.answering(b""), hostile.resetting(b"")], ids=["closed", "reset"])
def test_a_kept_connection_that_ends_before_the_answer_stops_the_attempt_and_nothing_is_sent_again(
    end: hostile.Behaviour,
) -> None:
    with hostile.serving(once_then(end)) as server:
        call(server.url)
        with pytest.raises(Aborted) as stopped:
            call(server.url)
        assert stopped.value.reason is AbortReason.CONNECTION_CLOSED
        assert (len(server.requests), server.connections) == (2, 1)


def test_the_others_to_that_receiver_are_closed_too() -> None:
    with hostile.serving(once_then(hostile.answering(b""))) as server, hostile.serving(hostile.conversing(OK)) as other:
        call(other.url)
        call(server.url)
        call(server.url, over_new_connection=True)
        assert kept() == 3
        with pytest.raises(Aborted):
            call(server.url)
        assert kept() == 1
        http.kept.close_all()


@pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_kept_connection_that_ends_within_the_answer_is_a_failure(part: bytes) -> None:
    with hostile.serving(once_then(hostile.answering(part))) as server:
        call(server.url)
        with pytest.raises(TransientFailure):
            call(server.url)


def test_a_new_connection_that_ends_before_the_answer_is_a_failure() -> None:
    with hostile.serving(hostile.answering(b"")) as server, pytest.raises(TransientFailure, match="without response"):
        call(server.url)


def test_silence_on_a_kept_connection_is_a_failure() -> None:
    with hostile.serving(once_then(hostile.silent)) as server:
        call(server.url)
        with pytest.raises(TransientFailure, match=r"silent for 0\.1"):
            call(server.url, read_seconds=0.1)
        assert kept() == 0
