"""Twilio, an Android phone and the HTTP template: each documented request, byte by byte.

They speak with a stand-in (`standin.py`), as the real services are other people's.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from senders.saying import CODE, ENGLISH, LATVIAN, NUMBER, Told, message
from senders.standin import Request, StandIn, Wanted, stand_in
from sidegate.config.gateways import Android, Http, Kannel, Twilio
from sidegate.senders import http_client
from sidegate.senders.android import AndroidGateway
from sidegate.senders.gateway import Gateway, MaybeSent, NotNow, NotReachable, Sent, Trouble
from sidegate.senders.http_template import HttpGateway
from sidegate.senders.kannel import KannelGateway
from sidegate.senders.twilio import TwilioGateway

SOON = (0.01,) * 5
Made = Callable[[str, Told], Gateway]
BODY = '{"to": "{digits}", "message": "{text}", "otp": "{code}", "ref": {"id": "{id}"}}'


def twilio(url: str, told: Told, **more: str) -> Gateway:
    wanted: dict[str, Any] = {"url": url, "account": "AC0123", "password": "zebra-token"}
    wanted["sender"] = "+37120000001"
    return TwilioGateway("mine", Twilio(**(wanted | more)), told, SOON)


def android(url: str, told: Told, **more: str) -> Gateway:
    wanted = {"url": f"{url}/message", "username": "sms", "password": "zebra-phone"}
    return AndroidGateway("mine", Android(**(wanted | more)), told, SOON)


def template(url: str, _told: Told, **more: object) -> Gateway:
    wanted: dict[str, object] = {
        "url": f"{url}/v1/send/{{id}}",
        "headers": (("X-Api-Key", "zebra-key"), ("X-To", "{number}")),
        "body": BODY,
    }
    return HttpGateway("mine", Http(**(wanted | more)))  # type: ignore[arg-type]


def kannel(url: str, _told: Told) -> Gateway:
    """Its faults alone: what it is asked, a real one sees in test_kannel.py."""
    wanted = {"username": "me", "password": "zebra", "sender": "Example"}
    return KannelGateway("mine", Kannel(url=f"{url}/cgi-bin/sendsms", **wanted))  # type: ignore[arg-type]


KINDS = pytest.mark.parametrize(
    "make", [twilio, android, template, kannel], ids=["twilio", "android", "http", "kannel"]
)


def run(
    make: Made,
    asked: Callable[[Gateway, StandIn], Awaitable[object]],
    *answers: Wanted,
    told: Told | None = None,
) -> list[Request]:
    async def running() -> list[Request]:
        async with stand_in() as service:
            service.answer(*(answers or (Wanted(),)))
            gateway = make(service.url, told or Told())
            try:
                await asked(gateway, service)
            finally:
                await gateway.close()
            return service.requests

    return asyncio.run(running())


def sending(expected: Sent, text: str = ENGLISH) -> Callable[[Gateway, StandIn], Awaitable[None]]:
    async def asked(gateway: Gateway, _service: StandIn) -> None:
        assert await gateway.send(message(text)) == expected

    return asked


def failing(expected: Trouble) -> Callable[[Gateway, StandIn], Awaitable[None]]:
    async def asked(gateway: Gateway, _service: StandIn) -> None:
        with pytest.raises(Trouble) as caught:
            await gateway.send(message())
        assert (type(caught.value), caught.value.why) == (type(expected), expected.why)

    return asked


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# ---- What is asked.


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (
            ENGLISH,
            (
                b"To=%2B37120000007&From=%2B37120000001&Body=918273+is+your+Example+code."
                b"%0A%0A%40portal.example.test+%23918273"
            ),
        ),
        (
            LATVIAN,
            (
                b"To=%2B37120000007&From=%2B37120000001&Body=918273+ir+j%C5%ABsu+Example+kods."
                b"%0A%0A%40portal.example.test+%23918273"
            ),
        ),
    ],
    ids=["english", "latvian"],
)
def test_twilio_is_asked_as_its_api_says(text: str, body: bytes) -> None:
    answer = Wanted(201, b'{"sid": "SM0123", "status": "queued"}')
    first, *_later = run(twilio, sending(Sent("SM0123"), text), answer)
    assert first.line == "POST /2010-04-01/Accounts/AC0123/Messages.json HTTP/1.1"
    assert first.headers["content-type"] == "application/x-www-form-urlencoded"
    assert first.headers["authorization"] == basic("AC0123", "zebra-token")
    assert first.body == body


def test_twilio_may_be_asked_with_a_key_and_a_messaging_service() -> None:
    def made(url: str, told: Told) -> Gateway:
        return twilio(url, told, username="SK45", sender="MG67")

    first, *_later = run(made, sending(Sent("SM0123")), Wanted(201, b'{"sid": "SM0123"}'))
    assert first.line == "POST /2010-04-01/Accounts/AC0123/Messages.json HTTP/1.1"
    assert first.headers["authorization"] == basic("SK45", "zebra-token")
    assert first.body.startswith(b"To=%2B37120000007&MessagingServiceSid=MG67&Body=")


@pytest.mark.parametrize("text", [ENGLISH, LATVIAN], ids=["english", "latvian"])
def test_an_android_phone_is_asked_as_its_api_says(text: str) -> None:
    answer = Wanted(202, b'{"id": "7-1", "state": "Pending"}')
    first, *_later = run(android, sending(Sent("7-1"), text), answer)
    assert first.line == "POST /message HTTP/1.1"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["authorization"] == basic("sms", "zebra-phone")
    assert json.loads(first.body) == {
        "id": "7-1",
        "textMessage": {"text": text},
        "phoneNumbers": [NUMBER],
        "withDeliveryReport": True,
        "ttl": 600,
    }


@pytest.mark.parametrize(
    ("content_type", "body", "text", "arrives"),
    [
        (
            "application/json",
            BODY,
            'a "b" \\ {code}\nā',
            (
                '{"to": "37120000007", "message": "a \\"b\\" \\\\ {code}\\nā", "otp": "918273", '
                '"ref": {"id": "7-1"}}'
            ),
        ),
        (
            "application/x-www-form-urlencoded",
            "to={number}&text={text}&lang={language}",
            "a&to=x =%\nā",
            "to=%2B37120000007&text=a%26to%3Dx%20%3D%25%0A%C4%81&lang=en",
        ),
        (
            "text/xml",
            '<sms to="{number}" by="{channel}">{text}</sms>',
            "</sms>&\"'ā",
            '<sms to="+37120000007" by="sms">&lt;/sms&gt;&amp;&quot;&#x27;ā</sms>',
        ),
        ("text/plain", "{text}", "a\nb {number}", "a\nb {number}"),
    ],
    ids=["json", "form", "xml", "plain"],
)
def test_a_template_is_filled_in_as_its_type_needs_it(
    content_type: str, body: str, text: str, arrives: str
) -> None:
    def made(url: str, told: Told) -> Gateway:
        return template(url, told, content_type=content_type, body=body)

    (asked,) = run(made, sending(Sent(), text))
    assert asked.line == "POST /v1/send/7-1 HTTP/1.1"
    assert asked.headers["content-type"] == f"{content_type}; charset=UTF-8"
    assert (asked.headers["x-api-key"], asked.headers["x-to"]) == ("zebra-key", NUMBER)
    assert asked.body.decode() == arrives


def test_a_template_may_sign_in_put_and_send_one_line() -> None:
    def made(url: str, told: Told) -> Gateway:
        more = {"method": "PUT", "username": "me", "password": "zebra", "one_line": True}
        return template(url, told, **more)

    (asked,) = run(made, sending(Sent()))
    assert asked.line == "PUT /v1/send/7-1 HTTP/1.1"
    assert asked.headers["authorization"] == basic("me", "zebra")
    assert json.loads(asked.body)["message"] == f"{CODE} is your Example code."


@pytest.mark.parametrize(
    ("more", "answer", "success"),
    [
        ({}, Wanted(204), True),
        ({"success_status": (200,)}, Wanted(202), False),
        ({"success_status": (200, 202)}, Wanted(202), True),
        ({"success_text": '"ok"'}, Wanted(200, b'{"status": "ok"}'), True),
        ({"success_text": '"ok"'}, Wanted(200, b'{"status": "error"}'), False),
    ],
    ids=["any-2xx", "another-status", "listed-status", "text", "another-text"],
)
def test_what_success_looks_like(
    more: dict[str, object],
    answer: Wanted,
    success: bool,  # noqa: FBT001 - a table
) -> None:
    def made(url: str, told: Told) -> Gateway:
        return template(url, told, **more)

    run(made, sending(Sent()) if success else failing(NotNow("refused")), answer)


# ---- What is answered.


@KINDS
@pytest.mark.parametrize(
    ("answer", "means"),
    [
        (Wanted(401), NotNow("credentials")),
        (Wanted(402), NotNow("credit")),
        (Wanted(403), NotNow("credentials")),
        (Wanted(404), NotNow("broken")),
        (Wanted(400, b"no"), NotNow("refused")),
        (Wanted(429), NotNow("busy")),
        (Wanted(500), NotNow("broken")),
        (Wanted(502), MaybeSent("dropped")),
        (Wanted(503), NotNow("busy")),
        (Wanted(504), MaybeSent("timeout")),
        (Wanted(302, headers="Location: /elsewhere\r\n"), NotNow("broken")),
        (Wanted(drop=True), MaybeSent("dropped")),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Wanted) else "",
)
def test_what_an_answer_means(make: Made, answer: Wanted, means: Trouble) -> None:
    assert len(run(make, failing(means), answer)) == 1, "nothing is followed or repeated"


@KINDS
def test_a_service_that_answers_too_late_is_neither_sent_nor_not(
    make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "ANSWERING", 0.2)
    run(make, failing(MaybeSent("timeout")), Wanted(delay=1.0))


@KINDS
def test_a_service_that_is_down_has_surely_sent_nothing(make: Made) -> None:
    async def asked(_gateway: Gateway, service: StandIn) -> None:
        down = make("http://127.0.0.1:9", Told())
        with pytest.raises(NotNow, match="away"):
            await down.send(message())
        await down.close()
        assert service.requests == []

    run(make, asked)


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [
        (400, 21211, NotReachable("unknown-number")),
        (400, 21614, NotReachable("unknown-number")),
        (400, 21610, NotReachable("barred")),
        (400, 21606, NotNow("refused")),
        (401, 20003, NotNow("credentials")),
        (429, 20429, NotNow("busy")),
        (429, 63038, NotNow("busy")),
    ],
)
def test_twilio_s_own_codes_say_more(status: int, code: int, means: Trouble) -> None:
    run(twilio, failing(means), Wanted(status, json.dumps({"code": code}).encode()))


# ---- What becomes of a message.


@pytest.mark.parametrize(
    ("make", "field", "states", "became"),
    [
        (twilio, "status", ["queued", "sent", "delivered"], "delivered"),
        (twilio, "status", ["sending", "undelivered"], "failed"),
        (android, "state", ["Pending", "Sent", "Delivered"], "delivered"),
        (android, "state", ["Processed", "Failed"], "failed"),
    ],
    ids=["twilio-delivered", "twilio-failed", "android-delivered", "android-failed"],
)
def test_a_service_is_asked_until_it_knows(
    make: Made, field: str, states: list[str], became: str
) -> None:
    told = Told()

    async def asked(gateway: Gateway, _service: StandIn) -> None:
        await gateway.send(message())
        assert await told.wait() == [("m-1", became)]

    first = Wanted(201, b'{"sid": "m-1", "id": "m-1"}')
    later = [Wanted(200, json.dumps({field: state}).encode()) for state in states]
    requests = run(make, asked, first, Wanted(503), *later, told=told)
    path = "/2010-04-01/Accounts/AC0123/Messages/m-1.json" if make is twilio else "/message/m-1"
    assert {one.line for one in requests[1:]} == {f"GET {path} HTTP/1.1"}
    assert len(requests) == 2 + len(states)


@pytest.mark.parametrize("make", [twilio, android], ids=["twilio", "android"])
@pytest.mark.parametrize("body", [b"", b"[]", b'{"sid": "../x", "id": "a b"}'])
def test_an_answer_without_a_usable_id_is_not_followed(make: Made, body: bytes) -> None:
    assert len(run(make, sending(Sent()), Wanted(201, body))) == 1


# ---- Credentials, proved without sending.


@pytest.mark.parametrize(
    ("make", "good", "path"),
    [
        (twilio, Wanted(200, b"{}"), "/2010-04-01/Accounts/AC0123.json"),
        (android, Wanted(404), "/message/none"),
    ],
    ids=["twilio", "android"],
)
@pytest.mark.parametrize("status", [0, 401, 500], ids=["right", "wrong", "broken"])
def test_credentials_are_proved_without_sending(
    make: Made, good: Wanted, path: str, status: int
) -> None:
    async def asked(gateway: Gateway, _service: StandIn) -> None:
        if not status:
            assert "it answered and knows" in str(await gateway.check())
            return
        with pytest.raises(NotNow, match="credentials" if status == 401 else "broken"):
            await gateway.check()

    (request,) = run(make, asked, good if not status else Wanted(status))
    assert request.line == f"GET {path} HTTP/1.1"


def test_a_template_cannot_be_proved_without_sending() -> None:
    async def asked(gateway: Gateway, _service: StandIn) -> None:
        assert await gateway.check() is None

    assert run(template, asked) == []


# ---- TLS and proxies.


@pytest.mark.parametrize(
    ("trusted", "host"),
    [(True, "127.0.0.1"), (False, "127.0.0.1"), (True, "sms.example.test")],
    ids=["right", "unknown-authority", "another-name"],
)
def test_tls_is_verified(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,  # noqa: FBT001 - a table
    host: str,
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(server)

    async def running() -> None:
        async with stand_in(server) as service:
            gateway = template(f"https://127.0.0.1:{service.port}", Told())
            if trusted and host == "127.0.0.1":
                assert await gateway.send(message()) == Sent()
            else:
                with pytest.raises(NotNow, match="away"):
                    await gateway.send(message())
                assert service.requests == []
            await gateway.close()

    asyncio.run(running())


@KINDS
def test_the_environment_s_proxies_are_not_used(
    make: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert run(make, sending(Sent()), Wanted(200, b"{}"))


def test_a_proxy_that_is_configured_is_used() -> None:
    async def asked(_gateway: Gateway, service: StandIn) -> None:
        through = template("http://gateway:8080", Told(), proxy=service.url)
        assert await through.send(message()) == Sent()
        await through.close()

    (request,) = run(template, asked)
    assert request.line == "POST http://gateway:8080/v1/send/7-1 HTTP/1.1"
