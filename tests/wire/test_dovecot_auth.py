"""The authentication protocol's lines, both ways."""

import base64
import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidegate.wire import dovecot_auth as wire

PARSERS: list[Callable[[bytes], object]] = [
    wire.parse_version,
    wire.parse_process_id,
    wire.parse_auth,
    wire.parse_continuation,
    wire.parse_cancel,
    wire.parse_master_request,
    wire.parse_lookup,
    wire.parse_id,
]
COMMANDS = ["VERSION", "CPID", "AUTH", "CONT", "CANCEL", "REQUEST", "USER", "LIST"]
PIECES = st.sampled_from(
    [b"\t", b"=", b"\1", b"0", b"1", b"4294967295", b"4294967296", b"PLAIN", b"rip", b"resp",
     b"service", b"session_pid", b"client_id", b'"name"', b"\xff", b"secured"]
)  # fmt: skip
LINES = st.binary() | st.tuples(
    st.sampled_from([name.encode() for name in COMMANDS]), st.lists(PIECES)
).map(lambda parts: parts[0] + b"\t" + b"".join(parts[1]))


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
@given(line=LINES.filter(lambda line: b"\n" not in line))
def test_any_line_gives_a_value_or_bad_line(parse: Callable[[bytes], object], line: bytes) -> None:
    with contextlib.suppress(wire.BadLine):
        parse(line)


@given(st.binary())
def test_escape_round_trip(value: bytes) -> None:
    escaped = wire.escape(value)
    assert wire.unescape(escaped) == value
    assert not set(escaped) & {0, 9, 10, 13}


@given(st.binary())
def test_anything_can_be_unescaped(parameter: bytes) -> None:
    assert len(wire.unescape(parameter)) <= len(parameter)


def test_escapes_by_name() -> None:
    assert wire.escape(b"\0\1\t\r\n") == b"\x010\x011\x01t\x01r\x01n"
    assert wire.unescape(b"a\x01zb\x01") == b"azb"


def test_auth_of_dovecot_2_3() -> None:
    response = base64.b64encode(b"\0alice@example.test\0x")
    line = (
        b"AUTH\t12\tPLAIN\tservice=imap\tsecured\tsession=a/B+c\tlip=192.0.2.1\trip=203.0.113.9"
        b'\tlport=993\trport=50123\treal_rip=198.51.100.7\tclient_id="name" "iPhone\x01tMail"'
        b"\tresp=" + response
    )
    assert wire.parse_auth(line) == wire.AuthRequest(
        id=b"12",
        mechanism=b"PLAIN",
        service="imap",
        address="203.0.113.9",
        program="iPhone Mail",
        secured=True,
        session="a/B+c",
        no_login=False,
        response=response,
    )


def test_auth_of_dovecot_2_4() -> None:
    request = wire.parse_auth(b"AUTH\t1\tlogin\tprotocol=pop3\tfinal-resp-ok\tsecured=tls")
    assert (request.mechanism, request.service, request.secured) == (b"LOGIN", "pop3", True)
    assert request.response == b""


def test_auth_of_postfix() -> None:
    request = wire.parse_auth(
        b"AUTH\t1\tPLAIN\tservice=smtp\tnologin\tlip=192.0.2.1\trip=203.0.113.9\tsecured\tresp=AA=="
    )
    assert request.no_login
    assert request.session == ""
    assert request.response == b"AA=="


def test_what_is_foreign_is_bounded_and_never_raises() -> None:
    request = wire.parse_auth(
        b"AUTH\t1\tPLAIN\trip=" + b"\xff" * 9000 + b"\tsession=" + b"s" * 9000
    )
    assert len(request.address) <= 256
    assert len(request.session) <= 256


@pytest.mark.parametrize("number", [b"", b"one", b"-1", b"01", b"1 ", b"4294967296", b"9" * 5000])
def test_ids_that_are_none(number: bytes) -> None:
    with pytest.raises(wire.BadLine):
        wire.parse_cancel(b"CANCEL\t" + number)


def test_continuations_and_requests() -> None:
    assert wire.parse_continuation(b"CONT\t3\tYQ==") == (b"3", b"YQ==")
    assert wire.parse_continuation(b"CONT\t3") == (b"3", b"")
    line = b"REQUEST\t3102867457\t8902\t1\t" + b"0" * 32 + b"\tsession_pid=4711\trequest_auth_token"
    assert wire.parse_master_request(line) == (b"3102867457", b"8902", b"1", b"0" * 32, 4711)
    assert wire.parse_lookup(b"USER\t1\ta\x01tb\tservice=lmtp") == (b"1", "a\tb")


def test_no_text_form_holds_what_was_sent() -> None:
    hush = base64.b64encode(b"\0alice\0hush-hush")
    request = wire.parse_auth(b"AUTH\t1\tPLAIN\tservice=imap\tresp=" + hush)
    assert hush.decode() not in f"{request} {request!r}"
    answer = wire.parse_continuation(b"CONT\t1\t" + hush)
    assert hush.decode() not in f"{answer} {answer!r}"
    asked = wire.parse_master_request(b"REQUEST\t1\t2\t3\t" + b"ab" * 16)
    assert "abab" not in f"{asked} {asked!r}"


@given(name=st.text(st.characters(exclude_categories=["Cs"])), reason=st.binary())
def test_every_reply_is_one_line(name: str, reason: bytes) -> None:
    for reply in (
        wire.ok(b"1", name),
        wire.fail(b"1", user=name, code=b"temp_fail", reason=reason),
        wire.user(b"1", name=name, uid=1, gid=2, home=name),
        wire.listed(b"1", name),
    ):
        assert reply.endswith(b"\n")
        assert not set(reply[:-1]) & {0, 10, 13}


def test_replies_by_name() -> None:
    assert wire.ok(b"1", "alice") == b"OK\t1\tuser=alice\n"
    assert wire.fail(b"1") == b"FAIL\t1\n"
    assert wire.fail(b"1", user="a", code=b"temp_fail", reason=b"no") == (
        b"FAIL\t1\tuser=a\tcode=temp_fail\treason=no\n"
    )
    assert wire.challenge(b"1", b"YQ==") == b"CONT\t1\tYQ==\n"
    assert wire.not_found(b"1") == b"NOTFOUND\t1\n"
    assert wire.list_done(b"1", failed=True) == b"DONE\t1\tfail\n"
    assert wire.user(b"1", name="a", uid=1, gid=2, home="/h\t") == (
        b"USER\t1\ta\tuid=1\tgid=2\thome=/h\x01t\n"
    )


@given(st.text(), st.text(min_size=1))
def test_where_a_front_goes_on_to_is_one_line_whatever_the_password(name: str, secret: str) -> None:
    try:
        name.encode(), secret.encode()
    except UnicodeEncodeError:
        return
    there = wire.Elsewhere("192.0.2.7", 143, f"{name}*gate", secret)
    line = wire.ok_elsewhere(b"7", name, there)
    assert line.count(b"\n") == 1
    fields = dict(part.partition(b"=")[::2] for part in line.rstrip(b"\n").split(b"\t")[2:])
    assert wire.unescape(fields[b"pass"]).decode() == secret
    assert wire.unescape(fields[b"destuser"]).decode() == f"{name}*gate"
    assert (fields[b"host"], fields[b"port"]) == (b"192.0.2.7", b"143")
    assert {b"proxy", b"nologin"} <= set(fields)
    assert b"proxy_noauth" not in fields
    assert secret not in repr(there) or secret in "Elsewhere(host='192.0.2.7', port=143)"


def test_a_front_without_a_password_does_not_sign_in() -> None:
    line = wire.ok_elsewhere(b"7", "anna", wire.Elsewhere("192.0.2.7", 587, "anna", ""))
    assert line.endswith(b"destuser=anna\tproxy_noauth\tpass=-\n")
