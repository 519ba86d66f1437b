"""Calls through Twilio and the HTTP template, before the stand-in (`standin.py`)."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from senders.saying import CODE, NUMBER, Told, message
from senders.standin import StandIn, Wanted
from senders.test_http_gateways import run, template, twilio
from sidegate import texts
from sidegate.config.options import languages
from sidegate.senders.gateway import Gateway, Message, Sent
from sidegate.senders.twilio import _LOCALES


def spoken(language: str, name: str = "Example") -> Message:
    text = texts.spoken_code(language, name=name, code=CODE)
    return replace(message(text), channel="voice", language=language)


@pytest.mark.parametrize(
    ("language", "say", "phrases"),
    [
        ("en", '<Say language="en-US">', ("Your A &amp; &lt;B&gt; code is:", "Once more:")),
        (
            "lv",
            '<Say language="lv-LV" voice="Google.lv-LV-Standard-B">',
            ("Jūsu A &amp; &lt;B&gt; kods ir:", "Vēlreiz:"),
        ),
    ],
)
def test_twilio_speaks_the_digits_one_by_one(
    language: str, say: str, phrases: tuple[str, ...]
) -> None:
    async def asked(gateway: Gateway, _service: StandIn) -> None:
        assert await gateway.send(spoken(language, "A & <B>")) == Sent("CA0123")

    first, *_later = run(twilio, asked, Wanted(201, b'{"sid": "CA0123", "status": "queued"}'))
    assert first.line == "POST /2010-04-01/Accounts/AC0123/Calls.json HTTP/1.1"
    fields = dict(parse_qsl(first.body.decode(), strict_parsing=True))
    words = [word for phrase in phrases for word in (phrase, *CODE)]
    pause = '<Pause length="1"/>'
    twiml = "".join(f"{say}{word}</Say>{pause}" for word in words)
    assert fields == {
        "To": NUMBER,
        "From": "+37120000001",
        "Twiml": f"<Response>{pause}{twiml}</Response>",
        "Timeout": "45",
        "TimeLimit": "120",
    }
    assert len(fields["Twiml"]) < 4000  # as its API says


@pytest.mark.parametrize("language", languages())
def test_twilio_is_told_a_country_of_each_language(language: str) -> None:
    assert _LOCALES[language].partition("-")[0] == language


@pytest.mark.parametrize(
    ("states", "became"),
    [
        (["queued", "ringing", "in-progress", "completed"], "delivered"),
        (["ringing", "busy"], "line-busy"),
        (["ringing", "no-answer"], "no-answer"),
        (["failed"], "failed"),
        (["canceled"], "failed"),
    ],
    ids=["completed", "busy", "no-answer", "failed", "canceled"],
)
def test_twilio_tells_how_a_call_ended(states: list[str], became: str) -> None:
    told = Told()

    async def asked(gateway: Gateway, _service: StandIn) -> None:
        await gateway.send(spoken("en"))
        assert await told.wait() == [("CA1", became)]

    later = [Wanted(200, json.dumps({"status": state}).encode()) for state in states]
    requests = run(twilio, asked, Wanted(201, b'{"sid": "CA1"}'), *later, told=told)
    line = "GET /2010-04-01/Accounts/AC0123/Calls/CA1.json HTTP/1.1"
    assert {one.line for one in requests[1:]} == {line}


def test_a_template_may_order_a_call() -> None:
    def made(url: str, told: Told) -> Gateway:
        return template(url, told, body='{"say": "{text}", "in": "{language}", "by": "{channel}"}')

    async def asked(gateway: Gateway, _service: StandIn) -> None:
        await gateway.send(spoken("lv", 'A "B"'))

    (request,) = run(made, asked, Wanted(200))
    assert json.loads(request.body) == {
        "say": texts.spoken_code("lv", name='A "B"', code=CODE),
        "in": "lv",
        "by": "voice",
    }
    assert CODE not in request.line + json.dumps(request.headers)
