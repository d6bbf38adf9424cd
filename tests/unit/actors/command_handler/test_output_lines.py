"""Pieces of output, as they are read, become lines of a log."""

from __future__ import annotations

import pytest

from actors.commands.output_lines import LONGEST_LINE, MAX_LINES, WAITING_BYTES, Batch, WaitingOutput


def lines_of(*pieces: bytes) -> list[str]:
    """The lines of one stream that is read in these pieces."""
    output = WaitingOutput()
    for piece in pieces:
        output.put(output.out, piece)
    return output.batch(is_last=True).lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"one\ntwo\n"], ["one", "two"]),
        ([b"on", b"e\ntw", b"o"], ["one", "two"]),
        ([b"one\r", b"\ntwo\rthree\r\n"], ["one", "two", "three"]),
        ([b"\n\n"], ["", ""]),
        (["ü".encode()[:1], "ü".encode()[1:] + b"\n"], ["ü"]),
        ([b"a\x00\xffb\n", b"\xc3"], ["a\ufffd\ufffdb", "\ufffd"]),
        ([b"x" * LONGEST_LINE, b"\n"], ["x" * LONGEST_LINE]),
        ([b"x" * LONGEST_LINE + b"yz", b"z\n"], ["x" * LONGEST_LINE, "yzz"]),
        ([], []),
    ],
)
def test_lines_are_the_same_however_they_are_read(pieces: list[bytes], lines: list[str]) -> None:
    assert lines_of(*pieces) == lines


def test_a_line_is_handed_over_once_it_has_ended() -> None:
    output = WaitingOutput()
    output.put(output.out, b"one\ntw")
    assert output.batch().lines == ["one"]
    output.put(output.out, b"o\n")
    assert output.batch().lines == ["two"]


def test_lines_of_both_streams_are_in_the_order_read_and_never_mixed() -> None:
    output = WaitingOutput()
    output.put(output.out, b"begun, ")
    output.put(output.error, b"warning\n")
    output.put(output.out, b"ended\n")
    assert output.batch().lines == ["warning", "begun, ended"]


def test_the_newest_lines_are_handed_over_and_the_others_counted() -> None:
    output = WaitingOutput()
    count = MAX_LINES + 50
    output.put(output.out, b"".join(b"%d\n" % number for number in range(count)))
    assert output.batch() == Batch([str(number) for number in range(50, count)], 50)


def test_output_without_end_is_held_in_bounded_memory_and_its_lines_are_whole_after_the_gap() -> None:
    output = WaitingOutput()
    output.put(output.out, b"begun")
    output.batch()
    piece = b"y" * 99 + b"\n"
    for _ in range(20_000):
        output.put(output.out, piece)
    assert sum(len(one) for _, one in output._pieces) <= WAITING_BYTES
    assert output.batch() == Batch(["y" * 99] * MAX_LINES, 20_000 - MAX_LINES)


def test_many_small_pieces_are_bounded_by_what_they_take_in_memory() -> None:
    output = WaitingOutput()
    for _ in range(10_000):
        output.put(output.out, b"y")
    assert len(output._pieces) * 100 <= WAITING_BYTES


def test_what_could_not_be_stored_counts_as_left_out() -> None:
    output = WaitingOutput()
    output.put(output.out, b"lost\nlost\n")
    output.lose(output.batch())
    output.put(output.out, b"three\n")
    assert output.batch() == Batch(["three"], 2)


def test_what_is_put_back_comes_first_in_the_next_batch() -> None:
    output = WaitingOutput()
    output.put(output.out, b"one\ntw")
    output.put_back(output.batch())
    assert output, "it waits"
    output.put(output.out, b"o\n")
    output.put_back(output.batch())
    assert output.batch() == Batch(["one", "two"], 0)
    assert not output


def test_of_what_is_put_back_the_newest_lines_are_kept_and_none_that_is_older_than_a_gap() -> None:
    output = WaitingOutput()
    output.put(output.out, b"old\n" * MAX_LINES)
    output.put_back(output.batch())
    output.put(output.out, b"new\n" * 50)
    output.put_back(output.batch())
    assert output.batch() == Batch(["old"] * (MAX_LINES - 50) + ["new"] * 50, 50)
    output.put_back(Batch(["old"] * 2, 3))
    for _ in range(2):
        output.put(output.out, b"x" * WAITING_BYTES)
    output.put(output.out, b"\nnew\n")
    assert output.batch() == Batch(["", "new"], 2 + 3)
