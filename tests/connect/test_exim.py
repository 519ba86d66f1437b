"""An operator's own Exim asks Sidegate, by the lines of its page."""

from __future__ import annotations

import json
import os
import smtplib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from child import Child, free_ports, running
from clients.desk import Desk, desk_for
from clients.ways import Outcome
from connect import pages
from connect.certificates import make_certificate
from connect.her_dovecot import ANNA, CAROL, her_dovecot
from connect.her_exim import HerExim, her_exim
from connect.house import Tables, configure, open_folder
from connect.load import under_load
from connect.submitting import CLIENT, NO_ANSWER, submit

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="Exim's own user needs root"),
]

REFUSED = 535
TEMPORARY = 435


@dataclass
class Post:
    """Her Exim, and the Sidegate beside it."""

    exim: HerExim
    data: Path
    child: Child
    desk: Desk
    asks: str
    """The authenticators, as the page has them."""

    def sign_in(self, login: str, secret: str, **more: str) -> Outcome:
        return submit(self.exim.folder / "authority.pem", self.exim.port, login, secret, **more)

    def events(self, address: str) -> list[dict[str, Any]]:
        told = self.child.command("events", "--account", address, "--json").stdout
        found: list[dict[str, Any]] = json.loads(told)
        return [one for one in found if one["kind"].startswith("mail-")]

    def check(self, *more: str) -> tuple[int, str]:
        at = ("--at", f"submission=127.0.0.1:{self.exim.port}")
        done = self.child.command("connect", "exim", "--check", *at, *more, check=False)
        return done.returncode, done.stdout + done.stderr


def lines(exim: HerExim) -> list[pages.Block]:
    return [one.placed(exim.places()) for one in pages.blocks("exim", "The lines")]


@contextmanager
def connected(folder: Path, *, tcp: bool = False) -> Iterator[Post]:
    make_certificate(folder)
    with her_exim(folder) as exim:
        make, now, listens, asks, _ = lines(exim)
        text = asks.text
        if tcp:
            port = free_ports(1)[0]
            given = {"listen": {"dovecot_client": [f"127.0.0.1:{port}"]}}
            text = text.replace(f"{folder}/sidegate/exim/auth-client", f"127.0.0.1 {port}")
        else:
            pages.obey(make)
            pages.obey(now)
            given = pages.settings(listens)
        data = folder / "data"
        configure(data, {"mailserver": {"private": False}, **given})
        with running(data) as child, desk_for(data) as desk:
            exim.start(text)
            yield Post(exim, data, child, desk, text)


@pytest.fixture(scope="module", params=["socket", "TCP on loopback"])
def post(request: pytest.FixtureRequest) -> Iterator[Post]:
    with open_folder() as folder, connected(folder, tcp=request.param.startswith("TCP")) as made:
        yield made


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_who_comes_in(post: Post, mechanism: str) -> None:
    anna, bert = post.desk.person("anna"), post.desk.person("bert")
    assert post.sign_in(anna.address, anna.password, mechanism=mechanism).allowed
    anna.turn_on()
    key = anna.app_password()
    bert.enable(enabled=False)
    local, _, domain = anna.address.partition("@")
    for right in (anna.address, anna.address.upper(), f"{local}+tag@{domain}"):
        assert post.sign_in(right, key.secret, mechanism=mechanism).allowed, right
    refused = {
        "account password": (anna.address, anna.password),
        "account password, a tag": (f"{local}+tag@{domain}", anna.password),
        "wrong": (anna.address, "a wrong password"),
        "unknown": ("nobody@example.test", "a wrong password"),
        "one of another scope": (anna.address, anna.app_password(["imap"]).secret),
        "disabled": (bert.address, bert.password),
    }
    for why, (login, secret) in refused.items():
        outcome = post.sign_in(login, secret, mechanism=mechanism)
        assert outcome.said == "535 Incorrect authentication data", f"{why}: {outcome}"


def test_the_client_address_is_seen_and_its_word_on_tls_is_not_believed(post: Post) -> None:
    anna = post.desk.person()
    assert post.sign_in(anna.address, anna.password, source="127.0.0.7").allowed
    # Without TLS nothing is advertised: what Exim says of `secured` is never needed.
    with smtplib.SMTP("127.0.0.1", post.exim.port) as client:
        client.ehlo("x")
        assert not client.has_extn("auth")
        assert client.docmd("AUTH PLAIN AGEAYg==")[0] in (503, 538)
    time.sleep(0.5)  # events are written behind the reply
    seen = [(one["address"], one["protocol"]) for one in post.events(anna.address)]
    assert seen == [("127.0.0.7", "submission")]


def test_too_many_wrong_passwords_are_temporary_and_an_app_password_goes_on(post: Post) -> None:
    anna = post.desk.person()
    anna.turn_on()
    key = anna.app_password()
    statuses: list[int] = []

    def guess(number: int) -> None:
        outcome = post.sign_in(anna.address, f"guess {number}", source="127.0.0.66")
        statuses.append(outcome.status)

    for round_ in range(6):
        threads = [threading.Thread(target=guess, args=(10 * round_ + n,)) for n in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if TEMPORARY in statuses:
            break
    assert set(statuses) == {REFUSED, TEMPORARY}
    assert post.sign_in(anna.address, key.secret, source="127.0.0.66").allowed


def test_check_proves_it_and_says_what_is_wrong(post: Post) -> None:
    status, said = post.check()
    assert status == 0, said
    assert "app password: let in, by Sidegate" in said
    assert "client address: 127.0.0.2, as it is" in said
    assert 'refused; the program is told "535 Incorrect authentication data"' in said
    broken = {
        "another socket": (post.asks.replace("server_socket = ", "server_socket = /no"), "435"),
        "another judge": (_ANYBODY, "let in WITHOUT asking Sidegate"),
        "no authenticator": ("", "no sign-in (AUTH) is offered on this port"),
    }
    try:
        for what, (asks, word) in broken.items():
            post.exim.start(asks)
            status, said = post.check()
            assert status == 1, what
            assert word in said, what
            assert "Sidegate was not reached" in said or "WITHOUT asking" in said, what
        post.exim.stop()
        status, said = post.check()
        assert status == 1
        assert f"nobody listens on port {post.exim.port}" in said
    finally:
        post.exim.start(post.asks)


_ANYBODY = """\
anybody:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = true
"""


def test_stopped_and_restarted_under_load(post: Post) -> None:
    anna = post.desk.person()
    anna.turn_on()
    key = anna.app_password()
    with under_load(lambda: post.sign_in(anna.address, key.secret)) as load:
        post.child.stop()
        outcome = post.sign_in(anna.address, key.secret)
        assert outcome.said == "435 Unable to authenticate at present"
        with running(post.data):
            load.goes_on(seconds=6)
    assert sum(one.allowed for one in load.before) > 5
    assert {one.status for one in load.before if not one.allowed} <= {TEMPORARY, NO_ANSWER}
    assert len(load.after) > 5
    assert all(one.allowed for one in load.after), load.after


_HERS = """\
hers:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if eq{$auth3}{the password of hers}}
  server_advertise_condition = ${if def:tls_in_cipher}
"""
"""An authenticator that she took out for Sidegate's."""


def test_the_undo_needs_nothing_of_sidegate() -> None:
    with open_folder() as folder, connected(folder) as post:
        anna = post.desk.person()
        assert post.sign_in(anna.address, anna.password).allowed
        post.child.stop()
        (post.data / "sidegate.sqlite3").unlink()
        (post.exim.authenticators / "30_hers").write_text(_HERS)
        (undo,) = pages.blocks("exim", "Undo")
        pages.obey(undo.placed(post.exim.places()))
        assert (folder / "reload").exists()
        post.exim.restart()
        assert [one.name for one in post.exim.authenticators.iterdir()] == ["30_hers"]
        assert list((folder / "tmpfiles.d").iterdir()) == []
        assert post.sign_in(anna.address, "the password of hers").allowed
        assert post.sign_in(anna.address, anna.password).status == REFUSED


def test_a_stopped_directory_is_temporary() -> None:
    with open_folder() as folder, her_dovecot(folder) as dovecot, her_exim(folder) as exim:
        auth = folder / "conf.d" / "98-sidegate-directory.conf"
        found = pages.blocks("dovecot", "The lines")
        auth.write_text(next(one.text for one in found if one.file.endswith(auth.name)))
        dovecot.reload()
        make, now, listens, asks, _ = lines(exim)
        pages.obey(make)
        pages.obey(now)
        directory = {
            "source": "dovecot",
            "auth": f"unix:{folder}/run/sidegate-client",
            "userdb": f"unix:{folder}/run/sidegate-userdb",
        }
        data = folder / "data"
        given: Tables = {"directory": {**directory}, "mailserver": {"private": False}}
        configure(data, given | pages.settings(listens))
        with running(data) as child, desk_for(data) as desk:
            exim.start(asks.text)
            post = Post(exim, data, child, desk, asks.text)
            password = dovecot.passwords[ANNA]
            assert post.sign_in(ANNA, password, source=CLIENT).allowed
            assert post.sign_in(CAROL, dovecot.passwords[CAROL]).status == REFUSED, "disabled there"
            dovecot.doveadm("stop")
            outcome = post.sign_in(ANNA, password, source=CLIENT)
            assert outcome.status == TEMPORARY, outcome
