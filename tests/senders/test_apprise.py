"""The real Apprise, and a stand-in for the service behind it."""

from __future__ import annotations

import asyncio
import json

import pytest

from senders.saying import ENGLISH, message
from senders.standin import StandIn, Wanted, stand_in
from sidegate.config.gateways import Apprise
from sidegate.senders.apprise import AppriseGateway
from sidegate.senders.gateway import MaybeSent, NotNow, Sent

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise imports it."""


def gateway(url: str) -> AppriseGateway:
    return AppriseGateway("mine", Apprise(url=url))


def at(service: StandIn) -> AppriseGateway:
    return gateway(f"json://127.0.0.1:{service.port}/{{digits}}")


def test_apprise_hands_the_text_on() -> None:
    async def sending() -> None:
        async with stand_in() as service:
            assert await at(service).send(message()) == Sent()
            (request,) = service.requests
        assert request.line == "POST /37120000007 HTTP/1.1"
        assert json.loads(request.body)["message"] == ENGLISH

    asyncio.run(sending())


@pytest.mark.parametrize("answer", [Wanted(500), Wanted(drop=True)], ids=["refused", "dropped"])
def test_a_no_of_apprise_s_is_neither_sent_nor_not(answer: Wanted) -> None:
    async def sending() -> None:
        async with stand_in() as service:
            service.answer(answer)
            with pytest.raises(MaybeSent, match="dropped"):
                await at(service).send(message())

    asyncio.run(sending())


def test_an_address_that_apprise_does_not_know() -> None:
    async def trying() -> None:
        unknown = gateway("nosuchservice://x/{digits}")
        with pytest.raises(NotNow, match="broken"):
            await unknown.send(message())
        with pytest.raises(NotNow, match="broken"):
            await unknown.check()
        assert await gateway("json://127.0.0.1:1/{digits}").check() is None

    asyncio.run(trying())
