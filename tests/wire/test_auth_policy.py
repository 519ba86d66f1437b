"""Reports of a Dovecot, and what is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire.auth_policy import ATTRIBUTES, BadReport, Report, parse

# As Dovecot 2.3.19 sent it, with names of ours; its own three fields at the end.
SENT = (
    rb'{"device_id":"\"name\" \"Thunder \\\"x\\\" bird\" \"version\" \"1\"",'
    rb'"login":"anna@example.test","master":"","mechanism":"CRAM-MD5","protocol":"imap",'
    rb'"remote":"192.0.2.7","session_id":"WYhRn+Jg5tt/AAAB","success":true,'
    rb'"policy_reject":false,"tls":false}'
)


def body(**more: object) -> bytes:
    return json.dumps({**json.loads(SENT), **more}).encode()


def test_what_dovecot_sends() -> None:
    assert parse(SENT) == Report(
        login="anna@example.test",
        master="",
        protocol="imap",
        address="192.0.2.7",
        program='Thunder "x" bird 1',
        mechanism="CRAM-MD5",
        session="WYhRn+Jg5tt/AAAB",
        success=True,
    )


def test_no_digest_of_the_password_is_asked_for_or_kept() -> None:
    assert not any("pass" in variable for variable in ATTRIBUTES.values())
    assert "b00c" not in repr(parse(body(pwhash="b00c")))


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        ({"remote": "2001:DB8::1%eth0"}, "address", "2001:db8::1"),
        ({"remote": "somewhere"}, "address", ""),
        ({"mechanism": "scram-sha-256"}, "mechanism", "SCRAM-SHA-256"),
        ({"mechanism": "=cmd|x"}, "mechanism", ""),
        ({"device_id": '"name" "a\r\nb\tc"'}, "program", "a b c"),
        ({"device_id": "NIL"}, "program", ""),
        ({"login": "a\ud800"}, "login", "a?"),
    ],
)
def test_what_is_strange_is_made_tame(more: dict[str, str], field: str, value: str) -> None:
    assert getattr(parse(body(**more)), field) == value


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 50_000,
        body(success="true"),
        body(success=None),
        body(login=5),
        body(login="a" * 5000),
        SENT.replace(b'"login"', b'"user"'),
    ],
)
def test_what_is_no_report(wrong: bytes) -> None:
    with pytest.raises(BadReport) as problem:
        parse(wrong)
    assert "anna" not in str(problem.value)


STRANGE = st.fixed_dictionaries(
    {}, optional={name: st.text(max_size=20) | st.booleans() for name in [*ATTRIBUTES, "success"]}
)


@given(st.binary(max_size=60) | STRANGE.map(lambda found: body(**found)))
def test_any_bytes_are_a_report_or_not(anything: bytes) -> None:
    try:
        report: Any = parse(anything)
    except BadReport:
        return
    assert report.program.isprintable()
