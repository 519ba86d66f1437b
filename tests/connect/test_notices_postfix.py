"""Notices through an operator's own Postfix: encrypted, and waiting while it is stopped."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import pytest

from child import PATIENCE, running
from clients.desk import Desk, desk_for
from connect.certificates import make_certificate
from connect.her_postfix import HerPostfix, her_postfix
from connect.house import configure, open_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix needs root")

FROM = "no-reply@example.test"


@pytest.fixture
def post() -> Iterator[tuple[HerPostfix, Desk]]:
    with open_folder() as folder:
        make_certificate(folder)
        with her_postfix(folder) as postfix:
            postfix.set("mynetworks", "127.0.0.0/8")
            postfix.set("smtpd_relay_restrictions", "permit_mynetworks, reject")
            postfix.set("smtpd_tls_security_level", "encrypt")
            postfix.postfix("reload")
            notices = {"smtp": f"localhost:{postfix.port} STARTTLS", "from_address": FROM}
            data = folder / "data"
            configure(data, {"mailserver": {"private": False}, "notices": notices})
            trusted = {"SSL_CERT_FILE": str(folder / "authority.pem")}
            with running(data, environment=trusted), desk_for(data, "tell") as desk:
                yield postfix, desk


def taken(postfix: HerPostfix, address: str) -> list[str]:
    """The Message-IDs of what Postfix took for an address, and delivered (to nowhere)."""
    log = postfix.log
    queued = re.findall(rf"discard\[\d+\]: (\w+): to=<{re.escape(address)}>.* status=sent", log)
    return [found for one in queued for found in re.findall(rf"{one}: message-id=(<\S+>)", log)]


def wait_for(postfix: HerPostfix, address: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while not (found := taken(postfix, address)):
        assert time.monotonic() < deadline, "Postfix got nothing"
        time.sleep(0.1)
    (message_id,) = found
    return message_id


def test_postfix_takes_it_and_an_outage_only_delays_it(post: tuple[HerPostfix, Desk]) -> None:
    postfix, desk = post
    anna = desk.person()
    anna.turn_on()
    assert wait_for(postfix, anna.address).endswith("@example.test>")
    assert f"from=<{FROM}>" in postfix.log
    postfix.postfix("stop")
    bert = desk.person()
    bert.turn_on()
    time.sleep(2)  # it is tried while Postfix is away
    postfix.postfix("start")
    assert wait_for(postfix, bert.address).endswith("@example.test>")
