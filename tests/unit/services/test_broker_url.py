"""RABBITMQ_URL: one AMQP URI or several; what is given is kept, what is not known is told in one line."""

from __future__ import annotations

from typing import Any

import pika
import pytest

from services.messaging import broker_url

SECRET = "hunter2"  # noqa: S105  what must not be shown


def parameters(text: str, least_heartbeat_seconds: int = 0) -> list[Any]:
    assert broker_url.faults(text) == []
    return broker_url.parameters(text, "test", least_heartbeat_seconds)


@pytest.mark.parametrize(
    ("url", "who", "where"),
    [
        ("amqp://h", ("guest", "guest"), ("h", 5672, "/")),
        ("amqp://h/", ("guest", "guest"), ("h", 5672, "/")),
        ("amqp://h/%2F", ("guest", "guest"), ("h", 5672, "/")),
        ("amqp://us%40er:p%2Bw%2Fx%25@h:1/my%20host", ("us@er", "p+w/x%"), ("h", 1, "my host")),
        ("amqp://u:a+b@h/a%2Fb", ("u", "a+b"), ("h", 5672, "a/b")),
        ("amqp://u@h", ("u", "guest"), ("h", 5672, "/")),
        ("amqp://u:@h", ("u", ""), ("h", 5672, "/")),
        ("amqp://[fd00::1]:3/x", ("guest", "guest"), ("fd00::1", 3, "x")),
        ("amqps://h", ("guest", "guest"), ("h", 5671, "/")),
    ],
)
def test_a_url_means_what_amqp_says(url: str, who: tuple[str, str], where: tuple[str, int, str]) -> None:
    [one] = parameters(url)
    assert (one.credentials.username, one.credentials.password) == who
    assert (one.host, one.port, one.virtual_host) == where
    assert (one.ssl_options is not None) is url.startswith("amqps")


@pytest.mark.parametrize("between", [";", ",", " , ", ";\n"])
def test_several_urls_are_tried_in_their_order(between: str) -> None:
    found = parameters(between.join(["amqp://u:a,b;c@h1/x", "amqps://h2:2/x"]))
    assert [(one.host, one.port) for one in found] == [("h1", 5672), ("h2", 2)]
    assert found[0].credentials.password == "a,b;c"  # noqa: S105


def test_what_is_given_is_kept_and_the_rest_has_our_defaults() -> None:
    [one] = parameters("amqp://h/?heartbeat=60&connection_attempts=4&client_properties=%7B'team'%3A'a'%7D")
    assert (one.heartbeat, one.connection_attempts) == (60, 4)
    assert one.client_properties == {"connection_name": "carillon test", "team": "a"}
    assert (one.socket_timeout, one.stack_timeout, one.blocked_connection_timeout) == (5, 10, 10)


@pytest.mark.parametrize(
    ("url", "least", "kept"),
    [
        ("amqp://h", 0, 20),
        ("amqp://h", 180, 180),
        ("amqp://h/?heartbeat=60", 180, 180),
        ("amqp://h/?heartbeat=0", 180, 0),
    ],
)
def test_a_heartbeat_is_one_that_the_process_can_keep(url: str, least: int, kept: int) -> None:
    assert parameters(url, least)[0].heartbeat == kept


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("?foo=1", "RABBITMQ_URL has the parameter foo, which"),
        ("?foo=", "RABBITMQ_URL has the parameter foo, which"),
        ("?heartbeat=abc", "RABBITMQ_URL has the parameter heartbeat, whose value"),
        ("?heartbeat=-1", "RABBITMQ_URL has the parameter heartbeat, whose value"),
        ("?heartbeat=3", "RABBITMQ_URL has the parameter heartbeat, which must be 0 for none, or 10 or more"),
        ("?heartbeat=20&heartbeat=30", "RABBITMQ_URL has a parameter twice"),
        ("?connection_attempts=0", "RABBITMQ_URL has the parameter connection_attempts, whose value"),
        ("?retry_delay=1e300", "RABBITMQ_URL has the parameter retry_delay, which may be 3600 at most"),
        ("?socket_timeout=nan", "RABBITMQ_URL has the parameter socket_timeout, which may be"),
        ("?tcp_options=all", "RABBITMQ_URL has the parameter tcp_options, whose value"),
        (
            "?ssl_options=%7B'ca_certs'%3A'/nowhere'%7D",
            "RABBITMQ_URL has the parameter ssl_options, which names a file",
        ),
        ("a/b", "RABBITMQ_URL names a virtual host with a / in it; write %2F"),
        ("a#b", "RABBITMQ_URL holds a #; write %23"),
    ],
)
def test_what_cannot_be_honoured_is_one_line(rest: str, says: str) -> None:
    [line] = broker_url.faults(f"amqp://u:{SECRET}@h/{rest}")
    assert line.startswith(says)
    assert SECRET not in line


def test_each_of_several_urls_is_looked_at() -> None:
    assert len(broker_url.faults("amqp://h/?foo=1;amqp://h/?bar=1")) == 2


def test_every_parameter_of_pika_is_known() -> None:
    prefix = pika.URLParameters._SETTER_PREFIX
    setters = {name.removeprefix(prefix) for name in dir(pika.URLParameters) if name.startswith(prefix)}
    assert set(broker_url.PARAMETERS) == setters
