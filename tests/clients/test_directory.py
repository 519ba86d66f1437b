"""A running Sidegate beside an operator's own Dovecot, which keeps the accounts."""

from __future__ import annotations

import asyncio
import http.cookiejar
import urllib.request
from collections.abc import Iterator

import pytest

from child import Child, running
from clients.browser import page
from clients.conftest import open_folder
from clients.desk import Desk, Person, desk_for
from her_dovecot import HerDovecot, HerUser, her_dovecot
from peers import require
from sidegate.config import UnixEndpoint
from sidegate.decisions.directory import Home, Judged, Question, Seen
from sidegate.decisions.mail import PasswordCheck, Presence
from sidegate.directory.dovecot import DovecotDirectory

ADA = HerUser("ada@example.test", "ada's own password", aliases=("boss@example.test",))
OFF = HerUser("off@example.test", "off's own password", disabled=True)
BEN = HerUser("ben@example.test", "ben's own password")
EVERYBODY = (ADA, OFF, BEN)


@pytest.fixture(scope="module")
def her() -> Iterator[HerDovecot]:
    require("dovecot")
    with her_dovecot("sql", *EVERYBODY) as dovecot:
        yield dovecot


@pytest.fixture(scope="module")
def child(her: HerDovecot) -> Iterator[Child]:
    with open_folder() as folder, running(folder, more=her.toml) as started:
        yield started


@pytest.fixture(scope="module")
def desk(child: Child) -> Iterator[Desk]:
    with desk_for(child.data) as opened:
        yield opened


def door(child: Child) -> DovecotDirectory:
    """Asks Sidegate itself as a mail server would."""
    run = child.data / "run"
    return DovecotDirectory(
        auth=UnixEndpoint(run / "auth-client.sock"), userdb=UnixEndpoint(run / "auth-master.sock")
    )


def asked(name: str, secret: str = "") -> Question:
    return Question(name, secret, "imap", "192.0.2.7", tls=True)


def answers(child: Child, *questions: tuple[str, str]) -> list[Judged]:
    async def ask() -> list[Judged]:
        mail_server = door(child)
        mail_server.attach()
        try:
            return await asyncio.gather(*(mail_server.judge(asked(*one)) for one in questions))
        finally:
            await mail_server.close()

    return asyncio.run(ask())


def test_mail_before_and_after_two_step(child: Child, desk: Desk, her: HerDovecot) -> None:
    right, wrong = PasswordCheck.RIGHT, PasswordCheck.WRONG
    assert not (child.data / "first-account.txt").exists()
    assert answers(child, (BEN.name, BEN.password)) == [Judged(right, BEN.name)]
    ben = Person(desk, BEN.name, BEN.password)
    ben.turn_on()
    key = ben.app_password()
    checks = answers(
        child,
        (BEN.name, key.secret),
        ("BEN@example.test", key.grouped),
        (BEN.name, BEN.password),
        ("no@example.test", "x"),
    )
    assert [one.check for one in checks] == [right, right, wrong, wrong]
    assert {one.name for one in checks[:2]} == {BEN.name}
    her.set_users(ADA)
    try:
        assert answers(child, (BEN.name, key.secret))[0].check is wrong
    finally:
        her.set_users(*EVERYBODY)


def test_a_stopped_directory_is_no_wrong_password_and_no_ill_health(
    child: Child, her: HerDovecot
) -> None:
    her.stop()
    try:
        checks = answers(child, (ADA.name, ADA.password), ("no@example.test", "x"))
        assert [one.check for one in checks] == [PasswordCheck.OUTAGE] * 2
        with urllib.request.urlopen(f"{child.url}/healthz", timeout=20) as answer:  # noqa: S310
            assert b"directory" in answer.read()
    finally:
        her.start()
    assert answers(child, (ADA.name, ADA.password))[0].check is PasswordCheck.RIGHT


def test_mailboxes_are_hers(child: Child) -> None:
    async def ask() -> tuple[Home | None, Home | None, Seen]:
        mail_server = door(child)
        mail_server.attach()
        try:
            return (
                await mail_server.home(ADA.name, "imap"),
                await mail_server.home("no@example.test", "imap"),
                await mail_server.look_up(asked(ADA.name)),
            )
        finally:
            await mail_server.close()

    home, nobody, seen = asyncio.run(ask())
    assert home is not None
    assert home.name == ADA.name
    assert b"quota_rule=*:storage=1G" in home.fields
    assert nobody is None
    assert seen.presence is Presence.GONE, "no passdb of ours tells anything without a secret"


def test_the_portal_signs_in_with_her_passwords_and_changes_none(child: Child) -> None:
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(cookies)
    signin = f"{child.url}/signin"
    refused = page(browser, signin, email=ADA.name, password="not hers")
    assert "is wrong" in refused
    home = page(browser, signin, email="Boss@example.test", password=ADA.password)
    assert ADA.name in home
    password = page(browser, f"{child.url}/security/password")
    assert "kept by your mail server" in password
    assert "<form" not in password.partition("<main")[2].partition("</main>")[0]


def test_commands_say_where_accounts_are_kept(child: Child) -> None:
    added = child.command(
        "account", "add", "new@example.test", "--password-stdin", stdin="x" * 12, check=False
    )
    assert added.returncode == 1
    assert "kept by the mail server" in added.stderr
    listed = child.command("account", "list")
    assert ADA.name in listed.stdout


def test_check_asks_the_directory(child: Child, her: HerDovecot) -> None:
    said = child.command("check", check=False).stdout
    assert "directory, users" in said
    assert "tells who exists, and who is left out there or marked nologin" in said
    assert "refuses who is not known" in said
    her.stop()
    try:
        stopped = child.command("check", check=False)
    finally:
        her.start()
    assert stopped.returncode == 1
    assert "answers no look-up" in stopped.stdout
    assert "judges no password" in stopped.stdout
