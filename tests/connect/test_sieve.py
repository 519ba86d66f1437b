"""ManageSieve on an operator's own Dovecot: one more way in, which goes around until it asks."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from child import free_ports
from connect import pages
from connect.connected import House, connected
from connect.her_dovecot import ANNA
from connect.house import open_folder
from peers import missing

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")

_CONFIGURATION = """\
protocols = imap pop3 submission lmtp sieve
service managesieve-login {{
  inet_listener sieve {{
    address = 127.0.0.1
    port = {port}
  }}
}}
"""


@pytest.fixture(scope="module")
def sieve() -> Iterator[tuple[House, int]]:
    """Connected by the lines for what was there before ManageSieve was."""
    if not Path("/usr/lib/dovecot/managesieve-login").exists():
        missing("ManageSieve is missing (apt-get install dovecot-managesieved)")
    with open_folder() as folder, connected(folder) as house:
        (port,) = free_ports(1)
        (folder / "conf.d" / "50-sieve.conf").write_text(_CONFIGURATION.format(port=port))
        house.dovecot.reload()
        yield house, port


def sign_in(house: House, port: int, login: str, secret: str) -> str:
    """The line that answers (RFC 5804)."""
    with socket.create_connection(("127.0.0.1", port), 30) as plain:
        _until_ok(plain)
        plain.sendall(b"STARTTLS\r\n")
        _until_ok(plain)
        with house.mail.tls.wrap_socket(plain, server_hostname="localhost") as talk:
            _until_ok(talk)
            response = base64.b64encode(f"\0{login}\0{secret}".encode()).decode()
            talk.sendall(f'AUTHENTICATE "PLAIN" "{response}"\r\n'.encode())
            return talk.recv(4096).decode().rstrip()


def _until_ok(talk: socket.socket) -> None:
    said = b""
    while not any(line.startswith(b"OK") for line in said.splitlines()):
        said += (got := talk.recv(4096))
        assert got, said


def connect(house: House, *more: str) -> str:
    conf = ("--conf", str(house.dovecot.file))
    done = house.child.command("connect", "dovecot", *conf, *more, check=False)
    return done.stdout + done.stderr


def look(house: House) -> str:
    """The check without secrets: nothing is signed in, so nothing is waited for."""
    return connect(house, "--check", "--account", "nobody@example.test")


def test_it_is_found_refused_and_then_asks(sieve: tuple[House, int]) -> None:
    house, port = sieve
    anna = house.person(ANNA)
    anna.turn_on()
    key = anna.app_password()
    assert f"service managesieve-login does not ask Sidegate: port {port}" in (said := look(house))
    assert "every sign-in service" not in said
    # That is no theory: with 2-step on, the account password still opens her filters.
    assert sign_in(house, port, ANNA, anna.password).startswith("OK")

    plan = json.loads(connect(house, "--json"))
    for block in plan["blocks"]:
        text = "".join(f"{line}\n" for line in block["lines"])
        if "managesieve" in text:
            language = "sh" if block["how"] == "run" else "conf"
            pages.obey(pages.Block(block["file"], language, text))
    house.dovecot.reload()
    said = look(house)
    assert "every sign-in service of this dovecot asks Sidegate" in said
    assert f"warning  managesieve-login: no sign-in was tried on port {port}" in said

    # An app password for mail has no scope `sieve`: both are refused, and for true reasons.
    for secret in (anna.password, key.secret):
        answer = sign_in(house, port, ANNA, secret)
        assert answer.startswith("NO"), answer
        assert "Sign-in refused" in answer
    undo = json.loads(connect(house, "--json"))["undo"][1]["lines"][0]
    assert f"{house.dovecot.folder}/sidegate-managesieve " in undo
    anna.turn_off()
    assert sign_in(house, port, ANNA, anna.password).startswith("OK")
    time.sleep(0.5)  # events are written behind the reply
    told = house.child.command("events", "--account", ANNA, "--json").stdout
    seen = [(one["kind"], one["reason"]) for one in json.loads(told) if one["protocol"] == "sieve"]
    assert seen == [
        ("mail-refused", "not-an-app-password"),
        ("mail-refused", "out-of-scope"),
        ("mail-allowed", ""),
    ]
