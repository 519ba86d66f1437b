"""The private Dovecot as a front, before servers that keep their own accounts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from functools import partial

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from child import Child, free_ports, running
from clients.conftest import open_folder
from clients.desk import Desk, Person, desk_for
from clients.own_dovecot import GATE_PASSWORD, OwnDovecot, own_dovecot
from clients.ways import LIBRARIES, all_of, everywhere, let_in, smtp
from connect import pages
from connect.certificates import make_certificate
from connect.her_postfix import her_postfix
from connect.house import open_folder as short_folder
from connect.load import nobody_is_told_wrong, tried, under_load
from sidegate.connect.sign_ins import Target, sign_in

ANNA, PASSWORD = "anna@example.test", "a long password of hers"
THEIRS = "what the old server knows"
EVERYTHING = {way.name for way in LIBRARIES}
PROTOCOLS = ("imap", "pop3", "submission")
TEXT = "use an app password: http://localhost:"


@pytest.fixture(scope="module")
def own() -> Iterator[OwnDovecot]:
    relay = Controller(Sink(), hostname="127.0.0.1", port=free_ports(1)[0])
    relay.start()
    try:
        with own_dovecot({ANNA: THEIRS}, trusted="127.0.0.1", relay=relay.port) as started:
            yield started
    finally:
        relay.stop()


@pytest.fixture(scope="module")
def child(own: OwnDovecot) -> Iterator[Child]:
    more = f"[mailserver]\nfront = true\n\n{own.upstream}"
    with open_folder() as folder, running(folder, more=more) as started:
        started.add_account(ANNA, PASSWORD)
        yield started


@pytest.fixture(scope="module")
def desk(child: Child) -> Iterator[Desk]:
    with desk_for(child.data) as opened:
        yield opened


def target(child: Child, protocol: str) -> Target:
    return Target("front", protocol, "127.0.0.1", child.ports[f"{protocol}s"], tls=True)


def test_who_comes_in(child: Child, desk: Desk, own: OwnDovecot) -> None:
    assert let_in(everywhere(child, ANNA, PASSWORD, LIBRARIES)) == EVERYTHING
    anna = Person(desk, ANNA, PASSWORD)
    anna.turn_on()
    key = anna.app_password()
    for login in (ANNA, "Anna@EXAMPLE.test", "anna+tag@example.test"):
        assert let_in(everywhere(child, login, key.secret, LIBRARIES)) == EVERYTHING, login
    one_each = tuple(way for way in LIBRARIES if way.name.endswith(" TLS"))
    refused = {
        "account password": (ANNA, PASSWORD),
        "what the server behind it knows": (ANNA, THEIRS),
        "its master": (f"{ANNA}*gate", GATE_PASSWORD),
        "unknown": ("nobody@example.test", "a wrong password"),
    }
    for why, outcomes in all_of(child, refused, one_each).items():
        assert let_in(outcomes) == set(), why
        said = {outcome.said for outcome in outcomes.values()}
        assert all(TEXT in one for one in said), (why, said)
    for secret in (GATE_PASSWORD, key.secret, PASSWORD):
        assert secret not in own.log
        assert secret not in "\n".join(child.output)


def test_the_server_behind_it_sees_who_comes(child: Child, desk: Desk, own: OwnDovecot) -> None:
    bert = desk.person("bert")
    for number, protocol in enumerate(PROTOCOLS, start=51):
        source = f"127.0.0.{number}"
        sign_in(target(child, protocol), bert.address, bert.password, source=source)
        told = next(one for one in reversed(own.log.splitlines()) if f"rip={source}" in one)
        assert f"{protocol}-login: " in told


def test_the_server_behind_it_is_away() -> None:
    dead = "".join(
        f'{name} = "127.0.0.1:{port}"\n'
        for name, port in zip(PROTOCOLS, free_ports(3), strict=True)
    )
    more = f'[mailserver]\nfront = true\n\n[upstream]\n{dead}password = "x y"\n'
    with open_folder() as folder, running(folder, more=more) as alone:
        alone.add_account(ANNA, PASSWORD)
        for protocol in PROTOCOLS:
            outcome = sign_in(target(alone, protocol), ANNA, PASSWORD)
            assert outcome.temporary, outcome
            assert "x y" not in "\n".join(alone.output)


def checked(child: Child, *more: str) -> tuple[int, str]:
    words = ("connect", "front", "--check", "--account", ANNA, "--password-stdin")
    done = child.command(*words, *more, stdin=f"{PASSWORD}\n", check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.long
def test_check_says_what_is_wrong(own: OwnDovecot) -> None:
    wrong = own.upstream.replace(GATE_PASSWORD, "not the master's password")
    dead = wrong.replace(f'pop3 = "127.0.0.1:{own.ports["pop3"]}"', 'pop3 = "127.0.0.1:9"')
    with (
        open_folder() as folder,
        running(folder, more=f"[mailserver]\nfront = true\n\n{dead}") as alone,
        desk_for(alone.data) as desk,
    ):
        alone.add_account(ANNA, PASSWORD)
        Person(desk, ANNA, PASSWORD).turn_on()
        ports = [f"{name}s=127.0.0.1:{alone.ports[f'{name}s']}" for name in ("imap", "pop3")]
        status, said = checked(alone, "--at", ports[0], "--at", ports[1])
        assert status == 1
        assert "upstream pop3: nobody answers at 127.0.0.1:9: Connection refused" in said
        assert said.count("Sidegate let it in, and the server did not") == 2, said
        assert "not the master's password" not in said + "".join(alone.output)


def test_check(child: Child) -> None:
    status, said = checked(child)
    assert status == 0, said
    assert said.count("app password: let in, by Sidegate") == 6
    assert said.count("client address: 127.0.0.2, as it is") == 6
    assert said.count("account password: refused; the program is told") == 6


@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix needs root")
def test_postfix_behind_it_believes_xclient() -> None:
    with short_folder() as folder:
        make_certificate(folder)
        with her_postfix(folder) as postfix:
            port, asked = free_ports(2)
            # Her Postfix signs people in already, whatever it asks.
            postfix.set("smtpd_sasl_type", "dovecot")
            postfix.set("smtpd_sasl_path", f"inet:127.0.0.1:{asked}")
            places = {**postfix.places(), "127.0.0.1:10587": f"127.0.0.1:{port}"}
            found = [one.placed(places) for one in pages.blocks("front", "The lines")]
            *_, lines, upstream = found
            pages.obey(lines)
            more = (
                f'dovecot_client = ["127.0.0.1:{asked}"]\n'
                f"[mailserver]\nfront = true\n\n{upstream.text}"
            )
            with open_folder() as data, running(data, more=more) as child, desk_for(data) as desk:
                child.add_account(ANNA, PASSWORD)
                anna = Person(desk, ANNA, PASSWORD)
                anna.turn_on()
                key = anna.app_password()
                allowed = sign_in(
                    target(child, "submission"), ANNA, key.secret, source="127.0.0.61"
                )
                refused = sign_in(target(child, "submission"), ANNA, PASSWORD)
                assert TEXT in refused.text
                assert allowed.allowed
                with smtp(child) as client:
                    client.login(ANNA, key.secret)
                    client.sendmail(ANNA, ["x@example.org"], "Subject: hello\r\n\r\nhello\r\n")
                assert "[127.0.0.61]" in postfix.log
                assert f"sasl_username={ANNA}" in postfix.log
            assert not data.exists()  # Sidegate is dead, and its database gone
            for block in pages.blocks("front", "Undo"):
                pages.obey(block.placed(places))
            assert f":{port}" not in (postfix.conf / "master.cf").read_text()
            at_once = Target("front's own", "submission", "127.0.0.1", port, tls=False)
            for _ in range(50):  # a reload returns before the port is closed
                said = sign_in(at_once, ANNA, PASSWORD).text
                if "nobody listens" in said:
                    break
                time.sleep(0.1)
            assert "nobody listens" in said


def test_restarted_under_load_nobody_is_told_that_a_right_password_is_wrong(
    child: Child, desk: Desk
) -> None:
    """Last in this file: it ends what the others speak with."""
    anna = Person(desk, ANNA, PASSWORD)
    anna.turn_on()
    key = anna.app_password()
    ways = [
        partial(tried, target(child, one), ANNA, key.secret, source="127.0.0.62")
        for one in PROTOCOLS
    ]
    with under_load(*ways) as load:
        child.stop()
        with running(child.data):
            load.goes_on(seconds=5)
    nobody_is_told_wrong(load)
