"""No code, text or password of a gateway is found in a log or in what it raises."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from senders.saying import CODE, NUMBER, Told, message
from senders.smsc import PASSWORD, SYSTEM_ID, Smsc, running_smsc
from senders.standin import Wanted, stand_in
from sidegate.config.gateways import Android, Http, Kannel, Smpp, Twilio
from sidegate.senders.android import AndroidGateway
from sidegate.senders.gateway import Gateway, Trouble
from sidegate.senders.http_template import HttpGateway
from sidegate.senders.kannel import KannelGateway
from sidegate.senders.smpp import SmppGateway
from sidegate.senders.twilio import TwilioGateway

SECRET = "zebra-9"
SECRETS = (CODE, CODE.encode().hex(), SECRET, PASSWORD, PASSWORD.encode().hex(), NUMBER[1:])


class Everything(logging.Handler):
    """Keeps every record of every logger as text, its arguments with it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.name} {self.format(record)} {record.args!r}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    handler, root = Everything(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def centre() -> Iterator[Smsc]:
    with running_smsc() as smsc:
        yield smsc


def http_gateways(url: str) -> list[Gateway]:
    more: dict[str, Any] = {"url": url, "password": SECRET}
    told = Told()
    return [
        KannelGateway("k", Kannel(username="me", sender="Example", **more)),
        AndroidGateway("a", Android(username="me", **more), told),
        TwilioGateway("t", Twilio(account="AC1", sender="Example", **more), told),
        HttpGateway("h", Http(body='{"a": "{text}{code}"}', username="me", **more)),
        HttpGateway("i", Http(body="{text}", **(more | {"url": f"{url}/{{digits}}"}))),
    ]


async def everything(gateway: Gateway, shown: list[str]) -> None:
    for asked in (gateway.send(message()), gateway.check()):
        try:
            shown.append(repr(await asked))
        except Trouble as fault:
            shown += traceback.format_exception(fault)
            shown += [repr(fault.__cause__), repr(fault)]
    await gateway.close()


@pytest.mark.parametrize(
    "answer",
    [Wanted(200, b'{"id": "1", "sid": "1"}'), Wanted(401), Wanted(500, b"x"), Wanted(drop=True)],
    ids=["good", "refused", "broken", "dropped"],
)
def test_the_http_gateways_say_nothing(logged: list[str], answer: Wanted) -> None:
    shown: list[str] = []

    async def running() -> None:
        async with stand_in() as service:
            service.answer(answer)
            for gateway in http_gateways(service.url):
                shown.append(repr(vars(gateway)))
                await everything(gateway, shown)
            assert len(service.requests) >= 8
        for gateway in http_gateways("http://127.0.0.1:9"):
            await everything(gateway, shown)

    asyncio.run(running())
    logging.getLogger("the test").debug("is heard")
    assert any("is heard" in line for line in logged)
    assert found(logged + shown) == []


@pytest.mark.parametrize("orders", [{}, {"status": 8}, {"drop": True}], ids=str)
def test_smpp_says_nothing(logged: list[str], centre: Smsc, orders: dict[str, object]) -> None:
    centre.order(**orders)
    shown: list[str] = []
    wanted = {"server": f"127.0.0.1:{centre.port}", "system_id": SYSTEM_ID, "sender": "Example"}
    for password in (PASSWORD, SECRET):
        asyncio.run(everything(made(wanted, password), shown))
    assert found(logged + shown) == []


def made(wanted: dict[str, str], password: str) -> Gateway:
    return SmppGateway("s", Smpp(password=password, **wanted), Told())  # type: ignore[arg-type]


def found(lines: list[str]) -> list[str]:
    return [line for line in lines if any(secret in line for secret in SECRETS)]
