"""The client's side of Dovecot's authentication protocol: whatever is said arrives as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire import dovecot_auth as server
from sidegate.wire import dovecot_auth_client as client
from sidegate.wire import sasl

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
SECRETS = TEXT.filter(lambda text: "\0" not in text)
NUMBERS = st.integers(1, 2**31 - 1)


@given(
    number=NUMBERS,
    login=SECRETS,
    secret=SECRETS,
    session=TEXT,
    secured=st.booleans(),
    master=st.sampled_from(["", "gate"]),
)
def test_what_is_asked_arrives(
    *, number: int, login: str, secret: str, session: str, secured: bool, master: str
) -> None:
    line = client.auth(
        number,
        login=login,
        secret=secret,
        master=master,
        service="imap",
        address="192.0.2.7",
        session=session,
        secured=secured,
    )
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    heard = server.parse_auth(line[:-1])
    assert (heard.id, heard.mechanism, heard.service) == (b"%d" % number, b"PLAIN", "imap")
    assert (heard.address, heard.session) == ("192.0.2.7", session)
    assert (heard.secured, heard.no_login) == (secured, True)
    said = sasl.plain(heard.response)
    expected = (master, secret, login) if master else (login, secret, "")
    assert (said.login, said.secret, said.authzid) == expected


@pytest.mark.parametrize("secret", ["", "a\0b", "\ud800", "x" * 1025])
def test_what_nobody_has_is_not_asked(secret: str) -> None:
    with pytest.raises(client.CannotAsk):
        client.auth(1, login="anna", secret=secret, service="imap", address="")


@pytest.mark.parametrize("name", ["", "\ud800", "x" * 1025])
def test_what_nobody_is_called_is_not_asked(name: str) -> None:
    with pytest.raises(client.CannotAsk):
        client.lookup(1, "USER", name=name, service="imap")


@given(NUMBERS, SECRETS)
def test_look_ups_arrive(number: int, name: str) -> None:
    line = client.lookup(number, "PASS", name=name, service="imap")
    assert line.count(b"\n") == 1
    assert server.parse_lookup(line[:-1]) == server.Lookup(b"%d" % number, name)


@given(NUMBERS, SECRETS)
def test_our_own_replies_are_understood(number: int, name: str) -> None:
    asked = b"%d" % number
    yes = client.parse_answer(server.ok(asked, name)[:-1])
    assert (yes.command, yes.request, yes.name()) == ("OK", number, name)
    no = client.parse_answer(server.fail(asked, user=name, code=b"temp_fail", reason=b"a\tb")[:-1])
    assert (no.command, no.name(), no.field("code"), no.field("reason")) == (
        "FAIL",
        name,
        "temp_fail",
        "a\tb",
    )
    assert client.parse_answer(server.not_found(asked)[:-1]).command == "NOTFOUND"


def test_conditions_of_a_yes() -> None:
    yes = client.parse_answer(b"OK\t7\tuser=off@example.test\tnologin\treason=disabled\tproxy=n")
    assert yes.says("nologin")
    assert not yes.says("proxy")
    assert not yes.says("pass_expired")
    assert yes.field("reason") == "disabled"


@given(st.binary(max_size=80))
def test_any_line_is_an_answer_or_a_bad_line(line: bytes) -> None:
    try:
        answer = client.parse_answer(line)
    except server.BadLine:
        return
    assert answer.request >= 0
    answer.name()


def test_handshakes() -> None:
    hello = client.password_handshake()
    lines = (b"VERSION\t1\t2", b"MECH\tPLAIN\tplaintext", b"SPID\t7", b"COOKIE\tabc")
    assert not any(hello.take(line) for line in lines)
    assert hello.take(b"DONE")
    lookup = client.lookup_handshake()
    assert not lookup.take(b"VERSION\t1\t1")
    assert lookup.take(b"SPID\t7")
    assert client.client_greeting(process=12) == b"VERSION\t1\t2\nCPID\t12\n"


@pytest.mark.parametrize(
    "lines", [[b"VERSION\t2\t0"], [b"HELLO"], [b"VERSION\t1\t2", b"MECH\tCRAM-MD5", b"DONE"]]
)
def test_handshakes_of_which_nothing_can_come(lines: list[bytes]) -> None:
    hello = client.password_handshake()
    for line in lines[:-1]:
        assert not hello.take(line)
    with pytest.raises(server.BadLine):
        hello.take(lines[-1])
