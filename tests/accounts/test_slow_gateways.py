"""A gateway that is slow, of each kind: the next one sends, or the person is asked.

The next one sends where the first surely does not have the message. Else the person is told
that nobody knows, and *Send again* asks the next one first. Those that are slow are stand-ins:
sockets that let nobody in, or let everybody in and say nothing.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from accounts.test_code_sending import TWO, Desk
from installation import close_database, install
from sidegate.config.gateways import Android, Exec, Http, Kannel, Smpp, Twilio
from sidegate.senders import http_client, smpp_link
from sidegate.senders.android import AndroidGateway
from sidegate.senders.exec import ExecGateway
from sidegate.senders.gateway import Gateway
from sidegate.senders.http_template import HttpGateway
from sidegate.senders.kannel import KannelGateway
from sidegate.senders.smpp import SmppGateway
from sidegate.senders.twilio import TwilioGateway
from sidegate.storage import jobs

SAID = {"username": "me", "password": "zebra"}
PROGRAM = "import sys, time\nsys.stdin.read()\ntime.sleep(60)\n"


def nobody(_reference: str, _became: str) -> None:
    """No receipt is waited for."""


def twilio(where: str) -> Gateway:
    more: dict[str, Any] = {"url": where, "account": "AC0123", "sender": "+37120000001"}
    return TwilioGateway("first", Twilio(password="zebra", **more), nobody)


def android(where: str) -> Gateway:
    return AndroidGateway("first", Android(url=f"{where}/message", **SAID), nobody)


def template(where: str) -> Gateway:
    return HttpGateway("first", Http(url=f"{where}/send", body='{"text": "{text}"}'))


def kannel(where: str) -> Gateway:
    return KannelGateway(
        "first", Kannel(url=f"{where}/sendsms", username="me", password="zebra", sender="Example")
    )


def smpp(where: str) -> Gateway:
    server = where.partition("//")[2]
    options = Smpp(server=server, system_id="me", password="zebra", sender="Example")
    return SmppGateway("first", options, nobody)


OVER_HTTP = (twilio, android, template, kannel)
Made = Callable[[str], Gateway]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for module in (http_client, smpp_link):
        monkeypatch.setattr(module, "CONNECTING", 0.3)
        monkeypatch.setattr(module, "ANSWERING", 0.3)
    yield Desk(install(tmp_path / "data", toml=TWO))
    close_database()


@pytest.fixture
def closed() -> Iterator[str]:
    """Where whoever connects waits: the queue of this listener is full."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listener:
        where = listener.getsockname()
        with closing(socket.create_connection(where)):
            yield f"127.0.0.1:{where[1]}"


@pytest.fixture
def silent() -> Iterator[str]:
    """Where whoever connects is let in, by the kernel, and hears nothing."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=9)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


def sent_by(desk: Desk, first: Gateway) -> tuple[str, str]:
    """How the code stands, and what the first gateway's trouble was."""
    desk.gateways["first"] = first
    desk.begin()
    assert desk.work() == 1
    [trouble] = desk.house.context.gateway_troubles.all()
    return desk.standing.state, trouble.why


@pytest.mark.parametrize("made", [*OVER_HTTP, smpp])
def test_who_lets_nobody_in_is_followed_by_the_next(desk: Desk, closed: str, made: Made) -> None:
    assert sent_by(desk, made(f"http://{closed}")) == ("sent", "slow")
    assert len(desk.second.sent) == 1


@pytest.mark.parametrize(
    ("made", "scheme"), [*((made, "https") for made in OVER_HTTP), (smpp, "smpp")]
)
def test_who_lets_one_in_and_is_silent_before_the_message_is_followed_by_the_next(
    desk: Desk, silent: str, made: Made, scheme: str
) -> None:
    assert sent_by(desk, made(f"{scheme}://{silent}")) == ("sent", "slow")
    assert len(desk.second.sent) == 1


def program(where: str) -> Gateway:
    """It has the text, and goes on for longer than it may."""
    file = Path(where)
    file.write_text(PROGRAM)
    made = ExecGateway("first", Exec(command=(sys.executable, "-S", where)))
    made.patience = 1.0
    return made


@pytest.mark.parametrize("made", [*OVER_HTTP, program])
def test_who_has_the_message_and_is_silent_is_not_followed_until_it_is_asked_for(
    desk: Desk, silent: str, tmp_path: Path, made: Made
) -> None:
    where = str(tmp_path / "program.py") if made is program else f"http://{silent}"
    assert sent_by(desk, made(where)) == ("unsure", "timeout")
    desk.house.clock.forward(seconds=29)
    assert jobs.take(kinds=["code"], most=9, now=desk.house.clock.ms) == []
    assert desk.second.sent == []
    desk.house.clock.forward(seconds=1)
    desk.again()
    desk.work()
    assert (desk.standing.state, len(desk.second.sent)) == ("sent", 1)
