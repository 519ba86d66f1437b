"""Foreign text on one line."""

from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire.text import one_line


@given(st.text(), st.integers(1, 50))
def test_always_printable_one_line_and_bounded(text: str, limit: int) -> None:
    result = one_line(text, limit)
    assert len(result) <= limit
    assert result.isprintable()


def test_what_is_fine_stays() -> None:
    assert one_line("Sign-in refused: é", 40) == "Sign-in refused: é"
    assert one_line("a\r\n* OK\tb\0", 40) == "a * OK b"
