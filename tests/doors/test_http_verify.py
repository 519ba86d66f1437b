"""`POST /v1/verify`: the contract's answers, and what is no question."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from doors.nullparts import REFUSAL_DELAY, RIGHT
from doors.web import CANNOT_TELL, DISABLED, OWN, REFUSAL, TOKEN, RunningHttp, running_http
from sidegate.config import TcpEndpoint
from sidegate.decisions.words import Protocol
from sidegate.doors.rates import Rates

RIGHT_QUESTION: dict[str, Any] = {
    "login": "Alice@example.test",
    "secret": RIGHT,
    "protocol": "imap",
    "client_ip": "203.0.113.9",
}


@pytest.fixture(scope="module")
def door() -> Iterator[RunningHttp]:
    with running_http() as running:
        yield running


def question(**more: object) -> dict[str, Any]:
    return {**RIGHT_QUESTION, **more}


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({}, {"verdict": "allow", "account": "alice@example.test",
              "credential": "app-password", "text": ""}),
        ({"secret": "wrong"}, {"verdict": "refuse", "text": REFUSAL}),
        ({"login": "disabled@example.test"}, {"verdict": "refuse", "text": DISABLED}),
        ({"login": "outage@example.test"},
         {"verdict": "unavailable", "why": "outage", "text": CANNOT_TELL}),
        ({"login": "broken@example.test"},
         {"verdict": "unavailable", "why": "outage", "text": CANNOT_TELL}),
        ({"from_directory": True},
         {"verdict": "refuse", "why": "not-mine", "text": REFUSAL}),
        ({"login": "throttled@example.test"},
         {"verdict": "unavailable", "why": "throttled", "text": CANNOT_TELL}),
    ],
)  # fmt: skip
def test_answers(door: RunningHttp, more: dict[str, Any], answer: dict[str, str]) -> None:
    found = door.verify(question(**more))
    assert found.status == 200
    assert found.json == answer
    assert found.headers["content-type"] == "application/json"
    assert found.headers["cache-control"] == "no-store"
    assert (found.seconds >= REFUSAL_DELAY / 1000) or answer["text"] != REFUSAL


@pytest.mark.parametrize("protocol", list(Protocol))
def test_everything_reaches_the_decision(door: RunningHttp, protocol: Protocol) -> None:
    door.verify(
        question(
            protocol=protocol.value,
            client_ip="2001:DB8::1",
            client_id="Mail 1.0\nx",
            tls=True,
            secret="žā \t☃",
        )
    )
    seen = door.sign_in.seen[-1]
    assert (seen.login, seen.secret, seen.protocol) == ("Alice@example.test", "žā \t☃", protocol)
    assert (seen.address, seen.program, seen.tls) == ("2001:db8::1", "Mail 1.0 x", True)


SECRET = "zebra-secret"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
        (b'{"login": 1, "login": 2}', 400, "each name once"),
        (b"[" * 8000, 400, "not JSON"),
        ([], 422, "JSON object"),
        ({}, 422, "login is missing"),
        (question(secret=SECRET, extra=SECRET), 422, "nothing else"),
        (question(login=""), 422, "login has to be"),
        (question(login=5), 422, "login has to be"),
        (question(login=None), 422, "login has to be"),
        (question(secret=[SECRET]), 422, "secret has to be"),
        (question(secret=SECRET * 100), 422, "secret has to be"),
        (question(secret=f"{SECRET}\0"), 422, "no NUL"),
        (question(secret=f"{SECRET}\ud800"), 422, "half a surrogate pair"),
        (question(protocol="smtp"), 422, "imap, pop3, submission, sieve"),
        (question(protocol=["imap"]), 422, "protocol has to be"),
        (question(client_ip=""), 422, "client_ip has to be"),
        (question(client_ip="fe80::1%eth0"), 422, "client_ip has to be"),
        (question(client_ip=16909060), 422, "client_ip has to be"),
        (question(tls="yes"), 422, "tls has to be"),
        (question(tls=None), 422, "tls has to be"),
        (question(client_id=None), 422, "client_id has to be"),
        (question(client_id="a" * 9000), 413, "8192 bytes"),
    ],
)
def test_what_is_no_question(door: RunningHttp, body: object, status: int, says: str) -> None:
    before = len(door.sign_in.seen)
    answer = door.verify(body)
    assert answer.status == status
    assert says in answer.json["error"]
    assert SECRET not in answer.json["error"]
    assert len(door.sign_in.seen) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_kind_of_body(door: RunningHttp, kind: str) -> None:
    assert door.verify(RIGHT_QUESTION, kind=kind).status == 415


def test_the_kind_may_name_a_charset(door: RunningHttp) -> None:
    assert door.verify(RIGHT_QUESTION, kind="Application/JSON; charset=utf-8").status == 200


def test_a_long_body_in_pieces_is_not_read_to_its_end(door: RunningHttp) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100_000):
            yield b" " * 4096

    assert isinstance(door.endpoint, TcpEndpoint)
    connection = http.client.HTTPConnection(*door.endpoint, timeout=10)
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    with closing(connection), pytest.raises((BrokenPipeError, ConnectionResetError)):
        connection.request("POST", "/v1/verify", body=endless(), headers=headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/verify", 405), ("POST", "/nginx", 405), ("GET", "/v1/verify/", 404),
     ("GET", "/", 404), ("GET", "/healthz", 404)],
)  # fmt: skip
def test_other_paths_and_methods(door: RunningHttp, method: str, path: str, status: int) -> None:
    answer = door.ask(method, path)
    assert answer.status == status
    assert answer.json["error"]


def test_one_caller_may_ask_so_often_and_no_more() -> None:
    seconds = 0.0
    rates = Rates(clock=lambda: seconds, a_second=10, at_once=3, most=2)
    assert [rates.allows("a") for _ in range(4)] == [True, True, True, False]
    assert rates.allows("b")
    seconds = 0.1
    assert [rates.allows("a") for _ in range(2)] == [True, False]
    seconds = 100
    assert [rates.allows("a") for _ in range(4)] == [True, True, True, False]
    assert rates.allows("b")
    assert rates.allows("c")  # and "a", who asked longest ago, is forgotten
    assert rates.allows("a")


def test_too_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Rates, "allows", lambda *_: False)
    with running_http() as door:
        answer = door.verify(RIGHT_QUESTION)
        assert answer.status == 429
        assert answer.headers["retry-after"] == "1"
        assert json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("trusted", "counted"), [((), "127.0.0.1"), (("127.0.0.1/32",), "198.51.100.7")]
)
def test_a_caller_is_who_it_says_only_behind_a_trusted_proxy(
    monkeypatch: pytest.MonkeyPatch, trusted: tuple[str, ...], counted: str
) -> None:
    callers: list[str] = []

    def allows(_: Rates, caller: str) -> bool:
        callers.append(caller)
        return True

    monkeypatch.setattr(Rates, "allows", allows)
    with running_http(trusted_proxies=trusted) as door:
        headers = {"X-Forwarded-For": "198.51.100.7", "Content-Type": "application/json"}
        body = json.dumps(RIGHT_QUESTION).encode()
        assert door.ask("POST", "/v1/verify", headers=headers, body=body).status == 200
        # What the program's address is, the body alone says.
        assert door.sign_in.seen[-1].address == "203.0.113.9"
    assert callers == [counted]


def test_ones_own_question_goes_on_to_the_next_passdb(door: RunningHttp) -> None:
    login, now = RIGHT_QUESTION["login"], time.time_ns() // 1_000_000
    marked = OWN.marked("abc", login=login, secret=RIGHT, now=now)
    before = len(door.sign_in.seen)
    answer = door.verify(question(session=marked))
    assert answer.json == {"verdict": "refuse", "why": "not-mine", "text": REFUSAL}
    assert len(door.sign_in.seen) == before
    assert door.verify(question(session=marked, secret="another")).json["verdict"] == "refuse"
    assert len(door.sign_in.seen) == before + 1
    old = OWN.marked("abc", login=login, secret=RIGHT, now=now - 121_000)
    for other in (old, "abc", marked[:-2], f"{marked}0", "x.sidegate-", "x.sidegate-zz"):
        assert door.verify(question(session=other)).json["verdict"] == "allow", other


@pytest.mark.parametrize(
    ("given", "program"),
    [
        ('"name" "iPhone Mail" "version" "7"', "iPhone Mail 7"),
        ("Thunderbird 128", "Thunderbird 128"),
        ('"vendor', '"vendor'),
    ],
)
def test_a_whole_imap_id_is_read_too(door: RunningHttp, given: str, program: str) -> None:
    door.verify(question(client_id=given))
    assert door.sign_in.seen[-1].program == program
