"""What the load and the receiver read from the wire, and what is read from /proc."""

from __future__ import annotations

import pytest

from bench import load, processor_time, receiver
from bench.cloning import Original, groups

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 4\r\nServer: x\r\n\r\nbody"


@pytest.mark.parametrize("received", [b"", ANSWER[:20], ANSWER[:-1]])
def test_an_answer_counts_only_when_it_is_whole(received: bytes) -> None:
    assert load.whole_status(received) is None


def test_an_answer_gives_its_status() -> None:
    assert load.whole_status(ANSWER) == 201
    assert load.whole_status(b"HTTP/1.1 204 No Content\r\n\r\n") == 204


def test_a_request_carries_the_headers_it_is_given() -> None:
    sent = load.request_of("/x", b"{}", ["Authorization: Bearer k"])
    head = sent.partition(b"\r\n\r\n")[0]
    assert receiver.header(head, b"authorization") == "Bearer k"
    assert receiver.split_request(sent) == (head, b"")


def test_a_request_is_split_from_the_next_one() -> None:
    one = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}"
    assert receiver.split_request(one[:-1]) is None
    assert receiver.split_request(one + one) == (one[: one.index(b"\r\n\r\n")], one)


def test_a_header_is_found_in_any_case() -> None:
    head = b"POST / HTTP/1.1\r\nX-Carillon-Scheduled-For: 2026-01-01T00:00:00Z\r\nA: b"
    assert receiver.header(head, b"x-carillon-scheduled-for") == "2026-01-01T00:00:00Z"
    assert receiver.header(head, b"a") == "b"
    assert receiver.header(head, b"b") is None


def test_processor_time_includes_that_of_ended_children() -> None:
    line = "42 (a (strange) name) S 1 42 42 0 -1 0 0 0 0 0 100 200 300 400 20 0 1 0"
    assert processor_time.parse_stat(line) == 1_000 / processor_time.TICKS_A_SECOND


def test_memory_is_read_in_megabytes() -> None:
    rollup = "aaaa-bbbb ---p 00000000 00:00 0 [rollup]\nRss:  4096 kB\nPss:  2048 kB\n"
    assert processor_time.parse_rollup(rollup) == (2, 4)


def test_a_clone_differs_in_what_is_changed_alone() -> None:
    original = Original("runs", ("id", "job_id", "data"), ("1", "2", r"\N"))
    assert original.clone(id="3") == "3\t2\t\\N\n"


def test_groups_make_up_the_count() -> None:
    assert list(groups(5, 2)) == [2, 2, 1]
    assert list(groups(0, 2)) == []
