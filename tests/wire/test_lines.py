"""Lines out of chunks: however they are cut, and never more than one line kept."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire.lines import MAX_LINE, LineSplitter, LineTooLong


@given(st.lists(st.binary(max_size=200)))
def test_any_cutting_gives_the_same_lines(chunks: list[bytes]) -> None:
    splitter = LineSplitter()
    got = [line for chunk in chunks for line in splitter.feed(chunk)]
    assert got == b"".join(chunks).split(b"\n")[:-1]


@given(st.lists(st.binary(min_size=1, max_size=20000), max_size=8))
def test_memory_is_bounded_whatever_comes(chunks: list[bytes]) -> None:
    splitter = LineSplitter()
    for chunk in chunks:
        with contextlib.suppress(LineTooLong):
            splitter.feed(chunk)
        assert len(splitter._rest) <= MAX_LINE


def test_the_longest_line_passes_and_one_byte_more_does_not() -> None:
    assert LineSplitter().feed(b"x" * MAX_LINE + b"\n") == [b"x" * MAX_LINE]
    with pytest.raises(LineTooLong):
        LineSplitter().feed(b"x" * (MAX_LINE + 1))


def test_a_line_that_grows_too_long_piece_by_piece_is_found() -> None:
    splitter = LineSplitter()
    for _ in range(16):
        assert splitter.feed(b"x" * 1024) == []
    with pytest.raises(LineTooLong) as caught:
        splitter.feed(b"secret")
    assert "secret" not in str(caught.value)
    assert splitter._rest == b""
