"""Her Dovecot, observed: by the lines of the page, from the first report to going back."""

from __future__ import annotations

import imaplib
import json
import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from child import PATIENCE, Child, running
from clients.desk import desk_for
from connect import pages
from connect.connected import EVERYTHING, HER, VERSIONS, House, lines, page
from connect.her_dovecot import ANNA, BERT, MASTER, MASTERS_PASSWORD, HerDovecot, her_dovecot
from connect.house import configure, open_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")

AT_ONCE = 1.5
"""Seconds that a sign-in takes at most; one that waits for a report takes 2 and more."""
HERE = "127.0.0.9"
BACK = "127.0.0.77"


@pytest.mark.parametrize("version", VERSIONS)
def test_the_page_from_the_first_report_to_going_back(version: str) -> None:
    with open_folder() as folder, her_dovecot(folder, HER[version]) as dovecot:
        (folder / "conf.d" / "50-cram.conf").write_text("auth_mechanisms = plain login cram-md5\n")
        data = folder / "data"
        *first, sidegate, enforced, reload = lines(dovecot)
        for block in first:
            pages.obey(block)
        settings = pages.settings(sidegate)
        ports = configure(data, settings)
        mode, *observing = blocks(dovecot, data, ports, "The lines")
        configure(data, settings | pages.settings(mode))
        with running(data) as child, desk_for(data) as desk:
            house = House(dovecot, child, desk)
            for block in observing:
                pages.obey(block)
            is_observed(house)
        nobody_waits(dovecot, ports["http"])

        (some,) = blocks(dovecot, data, ports, "Enforce")
        configure(data, settings | pages.settings(some))
        with running(data) as child, desk_for(data) as desk:
            house = House(dovecot, child, desk)
            pages.obey(enforced)
            pages.obey(reload)
            is_enforced_for_anna_alone(house)

        back, out = blocks(dovecot, data, ports, "Go back")
        pages.obey(back)  # Sidegate is stopped
        assert House(dovecot, child, desk).enters(ANNA, dovecot.passwords[ANNA]) == EVERYTHING
        with running(data) as child:
            sign_in(dovecot, ANNA, source=BACK)
            reported(child, lambda row: row["network"] == BACK)
        pages.obey(out)
        assert not list(folder.glob("**/*sidegate-observe*"))
        assert not list(folder.glob("**/*token.conf"))
        assert sign_in(dovecot, ANNA) < AT_ONCE


def is_observed(house: House) -> None:
    dovecot = house.dovecot
    assert house.enters(ANNA, dovecot.passwords[ANNA]) == EVERYTHING
    assert house.enters(ANNA, "a wrong password") == set()
    assert sign_in(dovecot, BERT, source=HERE, mechanism="CRAM-MD5") < AT_ONCE
    sign_in(dovecot, f"{BERT}*{MASTER}", MASTERS_PASSWORD)
    (bert,) = reported(house.child, lambda row: row["account"] == BERT)
    assert (bert["program"], bert["network"]) == ("Test Mail 7", HERE)
    assert (bert["mechanism"], bert["outcome"]) == ("CRAM-MD5", "mechanism-gone")

    anna = house.person(ANNA)
    anna.turn_on()
    hers = reported(house.child, lambda row: row["account"] == ANNA)
    assert {(row["protocol"], row["mechanism"]) for row in hers} == {
        ("imap", "PLAIN"), ("pop3", "PLAIN"), ("submission", "PLAIN"), ("submission", "LOGIN")
    }  # fmt: skip
    assert {row["outcome"] for row in hers} == {"refused"}
    # Nothing is enforced: her Dovecot decides.
    assert house.enters(ANNA, anna.password) == EVERYTHING


def nobody_waits(dovecot: HerDovecot, port: int) -> None:
    """Sidegate is stopped; then something takes the reports and never answers."""
    assert sign_in(dovecot, ANNA) < AT_ONCE
    with socket.create_server(("127.0.0.1", port)):
        for _ in range(3):
            assert sign_in(dovecot, ANNA) < AT_ONCE


def is_enforced_for_anna_alone(house: House) -> None:
    anna, bert = house.person(ANNA), house.person(BERT)
    assert house.enters(ANNA, anna.password) == set()
    assert house.enters(ANNA, anna.app_password().secret) == EVERYTHING
    bert.turn_on()
    assert house.enters(BERT, bert.password) == EVERYTHING
    assert house.enters(BERT, bert.app_password().secret) == EVERYTHING


def blocks(
    dovecot: HerDovecot, data: Path, ports: dict[str, int], section: str
) -> list[pages.Block]:
    places = {
        **dovecot.places(),
        "/srv/sidegate": str(data),
        "127.0.0.1:2026": f"127.0.0.1:{ports['http']}",
    }
    found = pages.blocks("observe", section)
    if section == "The lines":
        found = page(dovecot.version, "observe")
    return [one.placed(places) for one in found]


def reported(child: Child, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """The rows of the report that are wanted, once there are any: they are written behind."""
    deadline = time.monotonic() + PATIENCE
    while True:
        told = json.loads(child.command("report", "observe", "--json").stdout)
        if rows := [row for row in told["rows"] if wanted(row)]:
            return rows
        assert time.monotonic() < deadline, told
        time.sleep(0.2)


class _From(imaplib.IMAP4_SSL):
    """From one of loopback's addresses."""

    def __init__(self, dovecot: HerDovecot, source: str) -> None:
        self._source = source
        tls = ssl.create_default_context(cafile=str(dovecot.authority))
        super().__init__("localhost", dovecot.ports["imaps"], ssl_context=tls)

    def _create_socket(self, timeout: float | None) -> ssl.SSLSocket:
        address, source = ("127.0.0.1", self.port), (self._source, 0)
        plain = socket.create_connection(address, timeout, source_address=source)
        tls: ssl.SSLContext = self.ssl_context
        return tls.wrap_socket(plain, server_hostname="localhost")


def sign_in(
    dovecot: HerDovecot, login: str, secret: str = "", *, source: str = HERE, mechanism: str = ""
) -> float:
    """Sign in once, and tell how many seconds that took."""
    secret = secret or dovecot.passwords[login]
    client = _From(dovecot, source)
    imaplib.Commands["ID"] = ("NONAUTH",)  # it knows no ID
    client.xatom("ID", '("name" "Test Mail" "version" "7")')
    started = time.monotonic()
    try:
        if mechanism == "CRAM-MD5":
            client.login_cram_md5(login, secret)
        else:
            client.login(login, secret)
        return time.monotonic() - started
    finally:
        client.shutdown()
