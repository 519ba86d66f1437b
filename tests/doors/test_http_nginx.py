"""What nginx is answered: the table, request by request."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

import pytest

from doors.nullparts import REFUSAL_DELAY, RIGHT
from doors.web import CANNOT_TELL, DISABLED, REFUSAL, UPSTREAMS, RunningHttp, running_http
from sidegate.decisions.words import Protocol
from sidegate.doors.http_nginx import Upstreams

NO = {
    "imap": ("[ALERT]", "[UNAVAILABLE]", "[LIMIT]", None, None),
    "pop3": ("[AUTH]", "[SYS/TEMP]", "[SYS/TEMP]", None, None),
    "smtp": ("5.7.8", "4.7.0", "4.7.0", "535", "454"),
}
GO_ON = ("Auth-Server", "Auth-Port", "Auth-User", "Auth-Pass")


@pytest.fixture(scope="module")
def door() -> Iterator[RunningHttp]:
    with running_http() as running:
        yield running


def asked(
    door: RunningHttp, protocol: str, login: str | bytes, secret: str | bytes = RIGHT, **more: str
) -> tuple[dict[str, str], float]:
    answer = door.nginx(
        Auth_Method=more.pop("Auth_Method", "plain"),
        Auth_Protocol=protocol,
        Auth_User=encoded(login),
        Auth_Pass=encoded(secret),
        **more,
    )
    assert answer.status == 200
    assert answer.body == b""
    found = {name: answer.headers[name] for name in answer.headers if name.startswith("Auth-")}
    return found, answer.seconds


def encoded(text: str | bytes) -> str:
    return quote_from_bytes(text.encode() if isinstance(text, str) else text, safe="")


@pytest.mark.parametrize("protocol", NO)
def test_allowed(door: RunningHttp, protocol: str) -> None:
    headers, _ = asked(door, protocol, "Alice@example.test", Client_IP="203.0.113.9")
    name = Protocol.SUBMISSION if protocol == "smtp" else Protocol(protocol)
    server = UPSTREAMS.servers[name]
    assert headers == {
        "Auth-Status": "OK",
        "Auth-Server": server.host,
        "Auth-Port": str(server.port),
        "Auth-User": "alice@example.test",
    }
    seen = door.sign_in.seen[-1]
    assert (seen.login, seen.secret, seen.protocol) == ("Alice@example.test", RIGHT, name)
    assert (seen.address, seen.tls, seen.authzid) == ("203.0.113.9", False, "")


@pytest.mark.parametrize("protocol", NO)
@pytest.mark.parametrize(
    ("login", "row", "text"),
    [
        ("wrong@example.test", 0, REFUSAL),
        ("disabled@example.test", 0, DISABLED),
        ("outage@example.test", 1, CANNOT_TELL),
        ("broken@example.test", 1, CANNOT_TELL),
        ("throttled@example.test", 2, CANNOT_TELL),
    ],
)
def test_no(door: RunningHttp, protocol: str, login: str, row: int, text: str) -> None:
    secret = "wrong" if login.startswith("wrong") else RIGHT
    headers, _ = asked(door, protocol, login, secret)
    form = NO[protocol]
    assert headers.pop("Auth-Status") == f"{form[row]} {text}"
    assert headers.pop("Auth-Error-Code", None) == (form[3] if row == 0 else form[4])
    assert headers == {}


@pytest.mark.parametrize(
    ("login", "secret"),
    [
        (b"alice\0@example.test", RIGHT),
        (b"alice", b"a\0b"),
        (b"", RIGHT),
        (b"alice", b""),
        (b"\xff\xfe", RIGHT),
        (b"a" * 1025, RIGHT),
        (b"alice", b"a" * 1025),
    ],
)
def test_what_cannot_be_read_is_refused_like_the_rest(
    door: RunningHttp, login: bytes, secret: bytes
) -> None:
    before = len(door.sign_in.seen)
    headers, seconds = asked(door, "pop3", login, secret)
    assert headers == {"Auth-Status": f"[AUTH] {REFUSAL}"}
    assert seconds >= REFUSAL_DELAY / 1000
    assert len(door.sign_in.seen) == before


def test_a_bare_percent_sign_is_refused(door: RunningHttp) -> None:
    answer = door.nginx(
        Auth_Method="plain", Auth_Protocol="imap", Auth_User="alice", Auth_Pass="100%"
    )
    assert answer.headers["Auth-Status"] == f"[ALERT] {REFUSAL}"


@pytest.mark.parametrize("method", ["cram-md5", "apop", "external", "none"])
def test_a_method_without_a_password_is_refused(
    door: RunningHttp, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        headers, _ = asked(door, "imap", "alice@example.test", Auth_Method=method)
    assert headers == {"Auth-Status": f"[ALERT] {REFUSAL}"}


@pytest.mark.parametrize(
    "secret", ["pass % 25%41 +", "tab\there", "a\r\nb: c", "žā☃", ' "quoted\\" ', "#?&=/"]
)
def test_every_character_arrives(door: RunningHttp, secret: str) -> None:
    asked(door, "imap", "alice@example.test", secret)
    assert door.sign_in.seen[-1].secret == secret


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("2001:db8::1", "2001:db8::1"),
        ("not an address", ""),
        ("", ""),
        ("203.0.113.9", "203.0.113.9"),
    ],
)
def test_the_address_of_the_mail_program(door: RunningHttp, given: str, seen: str) -> None:
    asked(door, "imap", "alice@example.test", Client_IP=given, Auth_SSL="on")
    assert door.sign_in.seen[-1].address == seen
    assert door.sign_in.seen[-1].tls


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auth_Method": "plain"},
        {"Auth_Protocol": "imap"},
        {"Auth_Method": "plain", "Auth_Protocol": "http"},
        {"Auth_Method": "plain", "Auth_Protocol": "sieve"},
    ],
)
def test_who_is_not_nginx(door: RunningHttp, headers: dict[str, str]) -> None:
    answer = door.nginx(**headers)
    assert answer.status == 400
    assert "auth_http" in answer.json["error"]


def test_the_upstreams_own_name_and_password() -> None:
    servers = UPSTREAMS.servers
    with running_http(upstreams=Upstreams(servers, "{account}*gate", "a secret")) as door:
        headers, _ = asked(door, "imap", "Alice@example.test")
        assert headers["Auth-User"] == "alice@example.test*gate"
        assert headers["Auth-Pass"] == "a secret"
        headers, _ = asked(door, "imap", "alice@example.test", "wrong")
        assert not set(headers) & set(GO_ON)


def test_a_protocol_without_a_server_is_no_refusal(caplog: pytest.LogCaptureFixture) -> None:
    with running_http(upstreams=Upstreams({})) as door:
        for _ in range(2):
            headers, _ = asked(door, "smtp", "alice@example.test")
            assert headers == {"Auth-Status": f"4.7.0 {CANNOT_TELL}", "Auth-Error-Code": "454"}
        assert door.sign_in.seen == []
    assert caplog.text.count("[upstream] submission names no server") == 1


def test_no_secret_is_logged(door: RunningHttp, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for login in ("alice@example.test", "broken@example.test", "\0"):
            asked(door, "imap", login, "zebra-secret")
    assert caplog.text
    assert "zebra" not in caplog.text
    assert RIGHT not in caplog.text


def test_closing_answers_whoever_waits() -> None:
    with running_http() as door:
        door.loop.call_soon_threadsafe(door.loop.call_later, 0.1, door.door.close)
        headers, seconds = asked(door, "imap", "slow@example.test", "wrong")
        assert headers == {"Auth-Status": f"[UNAVAILABLE] {CANNOT_TELL}"}
        assert seconds < 0.5
