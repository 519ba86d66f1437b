from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.mailserver.message import MALFORMED, MAX_HEADER, NO_FROM, TWO_FROMS, refusal

ALICE = "alice@example.test"


def message(*lines: str, body: str = "hello") -> bytes:
    return "\r\n".join([*lines, "", body]).encode()


@pytest.mark.parametrize(
    "line",
    [
        "From: alice@example.test",
        "From: Alice <ALICE@Example.test>",
        "from : Alice <alice+news@example.test>",
        "From: =?utf-8?q?Al=C3=AFce?= <alice@example.test>",
        "From: =?utf-8?b?QWxpY2U=?=\r\n <alice@example.test>",
        "From: \"'alice@example.test'\" <alice@example.test>",
        "From: Älice <alice@example.test>",
        "From: =?no-such-charset?q?Alice?= <alice@example.test>",
    ],
)
def test_the_accounts_own_address_in_any_dress_is_taken(line: str) -> None:
    assert refusal(message(line, "Subject: x"), ALICE) is None


@pytest.mark.parametrize(
    "line",
    [
        "From: bob@example.test",
        "From: Alice <bob@example.test>",
        "From: alice@example.test, bob@example.test",
        "From: alice@example.test <bob@example.test>",
        'From: "bob@example.test" <alice@example.test>',
        "From: (bob@example.test) alice@example.test",
        "From: =?utf-8?b?Ym9iQGV4YW1wbGUudGVzdA==?= <alice@example.test>",
        'From: alice@example.test, "bob"@example.test',
        "From: alice@example.test, bob @ example.test",
        "From: alice@example.test, bob(x)@example.test",
        "From: <@relay.test:alice@example.test>",
        "From: team: alice@example.test, bob@example.test;",
        "From: =?utf-8?q?alice=40example.test?=",
        "From: Alice",
        "From:",
        "From: alice@example.test.evil.test",
        "From:\r\n bob@example.test\r\n\talice@example.test",
        "From: alice@example.test\r\nSender: bob@example.test",
        "From: alice@example.test\r\nResent-From: bob@example.test",
    ],
)
def test_anybody_elses_address_is_refused(line: str) -> None:
    answer = refusal(message("Subject: x", line), ALICE)
    assert answer is not None
    assert answer.startswith("550 5.7.1 ")
    assert "bob" not in answer
    assert "\r" not in answer
    assert "\n" not in answer


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        (message("Subject: x"), NO_FROM),
        (b"", NO_FROM),
        (b"\r\nFrom: alice@example.test\r\n\r\n", NO_FROM),
        (message("From: alice@example.test", "From: alice@example.test"), TWO_FROMS),
        (message("From: alice@example.test", "From: bob@example.test"), TWO_FROMS),
        (message("From: alice@example.test", "no colon here"), MALFORMED),
        (message("X: y\rFrom: bob@example.test", "From: alice@example.test"), MALFORMED),
        (message("From: alice@example.test\0"), MALFORMED),
        (b"X: " + b"y" * MAX_HEADER + b"\r\nFrom: alice@example.test\r\n\r\n", MALFORMED),
    ],
)
def test_a_header_that_can_be_read_in_two_ways_is_refused(content: bytes, answer: str) -> None:
    assert refusal(content, ALICE) == answer


def test_a_from_in_the_body_is_text() -> None:
    assert (
        refusal(message("From: alice@example.test", body="From: bob@example.test"), ALICE) is None
    )


def test_a_bare_newline_ends_a_line_of_the_header() -> None:
    content = b"From: alice@example.test\nFrom: bob@example.test\n\nbody\n"
    assert refusal(content, ALICE) == TWO_FROMS


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(content: bytes) -> None:
    answer = refusal(b"From: " + content, ALICE)
    assert answer is None or (answer[:3] in {"550", "554"} and answer.isprintable())


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("From: Scanner <alice+scan@example.test>", True),
        ("From: ALICE+Scan@Example.test", True),
        ("From: alice@example.test", False),
        ("From: alice+scan@example.test\r\nSender: alice@example.test", False),
        ("From: bob+scan@example.test", False),
    ],
)
def test_of_several_spellings_one_alone_where_it_is_held_to_it(line: str, *, taken: bool) -> None:
    said = refusal(message(line, "Subject: x"), ALICE, sender="alice+scan@example.test")
    assert (said is None) is taken
