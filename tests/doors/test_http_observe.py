"""`POST /v1/observe`: what Dovecot reports is taken, and never keeps it waiting."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from doors.web import Answer, RunningHttp, running_http
from sidegate.decisions.words import Protocol

REPORT: dict[str, Any] = {
    "login": "anna@example.test",
    "master": "",
    "remote": "192.0.2.7",
    "protocol": "imap",
    "mechanism": "CRAM-MD5",
    "session_id": "s1",
    "device_id": '"name" "Mail" "version" "7"',
    "success": True,
    "policy_reject": False,
    "tls": False,
}


@pytest.fixture(scope="module")
def door() -> Iterator[RunningHttp]:
    with running_http() as running:
        yield running


def report(door: RunningHttp, command: str = "report", **more: object) -> Answer:
    headers = {"Content-Type": "application/json"}
    body = json.dumps({**REPORT, **more}).encode()
    return door.ask("POST", f"/v1/observe?command={command}", headers=headers, body=body)


def test_a_report_is_kept(door: RunningHttp) -> None:
    answer = report(door)
    assert (answer.status, answer.body) == (204, b"")
    seen = door.observer.seen[-1]
    assert seen._replace(at=0) == (
        "anna@example.test", Protocol.IMAP, "192.0.2.7", "Mail 7", "CRAM-MD5", 0
    )  # fmt: skip
    assert not door.sign_in.seen


def test_postfix_asks_without_a_session(door: RunningHttp) -> None:
    assert report(door, protocol="smtp", session_id="").status == 204
    assert door.observer.seen[-1].protocol is Protocol.SUBMISSION


@pytest.mark.parametrize(
    "more",
    [
        {"success": False},
        {"master": "boss"},
        {"session_id": ""},
        {"protocol": "doveadm"},
        {"protocol": "lmtp"},
        {"command": "allow"},
    ],
)
def test_what_says_nothing_of_a_program_is_left_out(door: RunningHttp, more: Any) -> None:  # noqa: ANN401 - arguments
    before = len(door.observer.seen)
    assert report(door, **more).status in (200, 204)
    assert len(door.observer.seen) == before


def test_asked_beforehand_it_refuses_nobody(door: RunningHttp) -> None:
    answer = report(door, command="allow")
    assert (answer.status, answer.json["status"]) == (200, 0)


@pytest.mark.parametrize(
    ("more", "status"), [({"login": 5}, 422), ({"device_id": "x" * 20_000}, 413)]
)
def test_what_is_no_report(door: RunningHttp, more: dict[str, Any], status: int) -> None:
    before = len(door.observer.seen)
    answer = report(door, **more)
    assert answer.status == status
    assert "anna" not in answer.json["error"]
    assert len(door.observer.seen) == before


def test_without_the_token(door: RunningHttp) -> None:
    headers = {"Authorization": "Bearer wrong", "Content-Type": "application/json"}
    answer = door.ask("POST", "/v1/observe", headers=headers, body=json.dumps(REPORT).encode())
    assert answer.status == 401
