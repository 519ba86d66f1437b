"""An operator's own Postfix asks Sidegate, by the lines of its page."""

from __future__ import annotations

import json
import os
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
from connect.her_postfix import HerPostfix, her_postfix
from connect.house import configure, open_folder
from connect.load import PROGRAMS, under_load
from connect.submitting import CLIENT, NO_ANSWER, submit

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix needs root")

REFUSED = "535 5.7.8 Error: authentication failed: Sign-in refused. If 2-Step Verification is on, "
TEMPORARY = 454
NO_SIGN_IN = ("--account", "nobody@example.test")
"""An account of which no secret is known: only looked at, which takes no time."""


@dataclass
class Post:
    """Her Postfix, and the Sidegate beside it."""

    postfix: HerPostfix
    data: Path
    child: Child
    desk: Desk

    def sign_in(self, login: str, secret: str, *, source: str = CLIENT) -> Outcome:
        authority = self.postfix.folder / "authority.pem"
        return submit(authority, self.postfix.port, login, secret, source=source)

    def events(self, address: str) -> list[dict[str, Any]]:
        told = self.child.command("events", "--account", address, "--json").stdout
        found: list[dict[str, Any]] = json.loads(told)
        return [one for one in found if one["kind"].startswith("mail-")]

    def check(self, *more: str) -> tuple[int, str]:
        done = self.child.command(
            "connect", "postfix", "--check", "--conf", str(self.postfix.conf), *more, check=False
        )
        return done.returncode, done.stdout + done.stderr


@contextmanager
def connected(folder: Path, *, tcp: bool = False) -> Iterator[Post]:
    """Postfix with the page's lines; by TCP as the page says it."""
    make_certificate(folder)
    data = folder / "data"
    with her_postfix(folder) as postfix:
        make, now, listens, asks = lines(postfix)
        if tcp:
            port = free_ports(1)[0]
            given = {"listen": {"dovecot_client": [f"127.0.0.1:{port}"]}}
            asks = asks._replace(
                text=asks.text.replace("sidegate/auth-client", f"inet:127.0.0.1:{port}")
            )
        else:
            pages.obey(make)
            pages.obey(now)
            given = pages.settings(listens)
        configure(data, {"mailserver": {"private": False}, **given})
        with running(data) as child, desk_for(data) as desk:
            pages.obey(asks)
            yield Post(postfix, data, child, desk)


def lines(postfix: HerPostfix) -> list[pages.Block]:
    return [one.placed(postfix.places()) for one in pages.blocks("postfix", "The lines")]


@pytest.fixture(scope="module", params=["socket in its chroot", "TCP on loopback"])
def post(request: pytest.FixtureRequest) -> Iterator[Post]:
    with open_folder() as folder, connected(folder, tcp=request.param.startswith("TCP")) as made:
        yield made


def test_who_comes_in(post: Post) -> None:
    anna, bert = post.desk.person("anna"), post.desk.person("bert")
    assert post.sign_in(anna.address, anna.password).allowed
    anna.turn_on()
    key = anna.app_password()
    bert.enable(enabled=False)
    local, _, domain = anna.address.partition("@")
    for right in (anna.address, anna.address.upper(), f"{local}+tag@{domain}"):
        assert post.sign_in(right, key.secret).allowed, right
    refused = {
        "account password": (anna.address, anna.password),
        "account password, other case": (anna.address.upper(), anna.password),
        "account password, a tag": (f"{local}+tag@{domain}", anna.password),
        "wrong": (anna.address, "a wrong password"),
        "unknown": ("nobody@example.test", "a wrong password"),
        "one of another scope": (anna.address, anna.app_password(["imap"]).secret),
    }
    for why, (login, secret) in refused.items():
        outcome = post.sign_in(login, secret)
        assert outcome.said.startswith(REFUSED), f"{why}: {outcome}"
    disabled = post.sign_in(bert.address, bert.password)
    assert disabled.status == 535
    assert "disabled" in disabled.said


def test_the_client_address_is_seen(post: Post) -> None:
    anna = post.desk.person()
    for source in ("127.0.0.7", "127.0.0.8"):
        assert post.sign_in(anna.address, anna.password, source=source).allowed
    time.sleep(0.5)  # events are written behind the reply
    seen = [(one["address"], one["protocol"]) for one in post.events(anna.address)]
    assert seen == [("127.0.0.7", "submission"), ("127.0.0.8", "submission")]


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
    assert set(statuses) == {535, TEMPORARY}
    assert post.sign_in(anna.address, key.secret, source="127.0.0.66").allowed


def test_check_proves_it(post: Post) -> None:
    status, said = post.check()
    assert status == 0, said
    assert "every sign-in service of this postfix asks Sidegate" in said
    assert "app password: let in, by Sidegate" in said
    assert "client address: 127.0.0.2, as it is" in said
    assert f'account password: refused; the program is told "{REFUSED}' in said
    accounts = post.child.command("account", "list").stdout
    assert "sidegate-check-" not in accounts


@contextmanager
def alone(*, tcp: bool = False) -> Iterator[Post]:
    """A house of one's own, to break."""
    with open_folder() as folder, connected(folder, tcp=tcp) as made:
        yield made


@pytest.mark.parametrize(
    "tcp", [False, pytest.param(True, marks=pytest.mark.long)], ids=["socket", "TCP"]
)
def test_restarted_under_load_nobody_is_told_that_a_right_password_is_wrong(*, tcp: bool) -> None:
    with open_folder() as folder, connected(folder, tcp=tcp) as post:
        anna = post.desk.person()
        anna.turn_on()
        key = anna.app_password()
        with under_load(lambda: post.sign_in(anna.address, key.secret)) as load:
            post.child.stop()
            with running(post.data):
                load.goes_on(seconds=12)
        assert sum(one.allowed for one in load.before) > 5
        assert {one.status for one in load.before if not one.allowed} <= {TEMPORARY, NO_ANSWER}
        assert sum(one.allowed for one in load.after) > 5
        # What an smtpd process of before makes of a lost connection is temporary, and once.
        assert {one.status for one in load.after if not one.allowed} <= {TEMPORARY, NO_ANSWER}
        assert sum(not one.allowed for one in load.after) <= PROGRAMS


def test_stopped_it_is_temporary_and_the_undo_needs_nothing_of_it() -> None:
    with alone() as post:
        anna = post.desk.person()
        before = post.postfix.value("smtpd_sasl_path")
        assert before == "sidegate/auth-client"
        assert post.sign_in(anna.address, anna.password).allowed
        post.child.stop()
        outcome = post.sign_in(anna.address, anna.password)
        assert outcome.status == TEMPORARY
        (post.data / "sidegate.sqlite3").unlink()
        for block in pages.blocks("postfix", "Undo"):
            pages.obey(block.placed(post.postfix.places()))
        assert post.postfix.value("smtpd_sasl_path") == "smtpd"
        assert list((post.postfix.folder / "tmpfiles.d").iterdir()) == []


@pytest.mark.long
def test_check_says_what_is_wrong() -> None:
    with alone() as post:
        folder = post.postfix.queue / "sidegate"
        socket_file = folder / "auth-client"

        folder.chmod(0o2700)
        status, said = post.check(*NO_SIGN_IN)
        assert status == 1
        assert f"user postfix may not enter {folder} (drwx--S--- root:postfix)" in said
        folder.chmod(0o2750)

        away = socket_file.rename(folder / "elsewhere")
        status, said = post.check()
        assert status == 1
        assert f"there is no {socket_file}: does Sidegate run" in said
        assert "Sidegate was not reached" in said
        away.rename(socket_file)

        post.postfix.set("smtpd_sasl_path", "private/auth")
        status, said = post.check()
        assert status == 1
        assert (
            f"127.0.0.1:{post.postfix.port}/inet in master.cf asks dovecot at private/auth" in said
        )
        assert "every sign-in service" not in said
        post.postfix.set("smtpd_sasl_path", "sidegate/auth-client")

        status, said = post.check("--socket", "127.0.0.1:9", *NO_SIGN_IN)
        assert status == 1
        assert "[listen] dovecot_client does not name 127.0.0.1:9" in said
        assert "nobody answers at 127.0.0.1:9" in said

        post.postfix.postfix("reload")
        status, said = post.check()
        assert status == 0, said
