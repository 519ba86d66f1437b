"""A real Kannel: what arrives behind it, and what its answers mean."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from child import free_ports
from senders.kannel import PASSWORD, USERNAME, running_kannel
from senders.kannel import Kannel as RealKannel
from senders.saying import CODE, ENGLISH, LATVIAN, LINE, NUMBER, PATIENCE, message
from senders.smsc import Smsc, running_smsc
from sidegate.config.gateways import Kannel
from sidegate.senders.gateway import Message, NotNow, NotReachable, Sent
from sidegate.senders.kannel import KannelGateway


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealKannel]:
    """One with Kannel's own fakesmsc behind it, which takes a line for a message."""
    with running_kannel(tmp_path_factory.mktemp("kannel")) as kannel:
        yield kannel


@pytest.fixture(scope="module")
def centre() -> Iterator[Smsc]:
    with running_smsc() as smsc:
        yield smsc


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory, centre: Smsc) -> Iterator[RealKannel]:
    """One that hands everything on to an SMS centre by SMPP, as in use."""
    with running_kannel(tmp_path_factory.mktemp("kannel-smpp"), smpp=centre.port) as kannel:
        yield kannel


def options(url: str, *, password: str = PASSWORD, one_line: bool = False) -> Kannel:
    return Kannel(
        url=url, username=USERNAME, password=password, sender="Example", one_line=one_line
    )


def send(options: Kannel, message: Message) -> Sent:
    async def sending() -> Sent:
        gateway = KannelGateway("mine", options)
        try:
            return await gateway.send(message)
        finally:
            await gateway.close()

    return asyncio.run(sending())


def check(options: Kannel) -> str | None:
    async def checking() -> str | None:
        gateway = KannelGateway("mine", options)
        try:
            return await gateway.check()
        finally:
            await gateway.close()

    return asyncio.run(checking())


@pytest.mark.parametrize(
    ("text", "coding"),
    [(ENGLISH, 0), (LATVIAN, 8), ("€ [Zürich] 918273\n\n" + LINE, 0)],
    ids=["gsm", "ucs-2", "extension"],
)
def test_a_text_arrives_whole_behind_kannel(
    real: RealKannel, centre: Smsc, text: str, coding: int
) -> None:
    assert send(options(real.url), message(text)) == Sent()
    arrived = centre.wait("submit")
    assert (arrived["text"], arrived["coding"]) == (text, coding)
    assert (arrived["from"], "+" + arrived["to"]) == ("Example", NUMBER)


def test_a_gateway_that_cuts_lines_is_given_the_first_alone(fake: RealKannel) -> None:
    send(options(fake.url, one_line=True), message())
    assert fake.wait_for(1) == [f"Example {NUMBER} text {CODE} is your Example code."]


def test_the_code_is_in_no_log_of_kannels(real: RealKannel, centre: Smsc) -> None:
    send(options(real.url), message())
    centre.wait("submit")
    until = time.monotonic() + PATIENCE
    while NUMBER not in real.logs():
        assert time.monotonic() < until, "bearerbox writes its access log"
        time.sleep(0.05)
    assert CODE not in real.logs()


def test_a_wrong_password_is_told(real: RealKannel) -> None:
    with pytest.raises(NotNow, match="credentials"):
        send(options(real.url, password="wrong"), message())
    with pytest.raises(NotNow, match="credentials"):
        check(options(real.url, password="wrong"))


def test_credentials_are_proved_without_sending(real: RealKannel, centre: Smsc) -> None:
    before = len(centre.submitted())
    assert check(options(real.url)) == "smsbox answered and knows the user"
    assert len(centre.submitted()) == before


def test_a_number_that_kannel_bars_is_not_tried_again(real: RealKannel) -> None:
    with pytest.raises(NotReachable, match="barred"):
        send(options(real.url), message(number="none"))


def test_a_kannel_that_is_down_has_surely_sent_nothing() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}/cgi-bin/sendsms"
    with pytest.raises(NotNow, match="away"):
        send(options(url), message())
    with pytest.raises(NotNow, match="away"):
        check(options(url))


def test_another_service_is_not_taken_for_smsbox(real: RealKannel) -> None:
    url = f"http://127.0.0.1:{real.admin}/"
    with pytest.raises(NotNow, match="broken"):
        check(options(url))
