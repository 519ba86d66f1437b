"""An operator's own Dovecot, by the lines of its page, from the first to the undo."""

from __future__ import annotations

import json
import os
import smtplib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from child import running
from clients.desk import desk_for
from clients.ways import LIBRARIES, all_of, imap, let_in
from connect import pages
from connect.connected import (
    EVERYTHING,
    HER,
    VERSIONS,
    House,
    connected,
    lines,
    page,
)
from connect.her_dovecot import (
    ALIAS,
    ANNA,
    BERT,
    CAROL,
    CHECK,
    DORA,
    EMIL,
    MASTER,
    MASTERS_PASSWORD,
    OTHER_MASTER,
    QUOTA,
    her_dovecot,
)
from connect.house import configure, open_folder

ONE_EACH = tuple(way for way in LIBRARIES if way.name.endswith(" TLS"))

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_page_from_its_first_line_to_the_undo(version: str) -> None:
    with open_folder() as folder, her_dovecot(folder, HER[version]) as dovecot:
        data = folder / "data"
        *first, sidegate, enforcing, reload = lines(dovecot)
        for block in first:
            pages.obey(block)
        configure(data, pages.settings(sidegate))
        with running(data) as child, desk_for(data) as desk:
            house = House(dovecot, child, desk)
            assert house.enters(ANNA, dovecot.passwords[ANNA]) == EVERYTHING
            assert child.command("account", "list", "--json").stdout.strip() == "[]"

            pages.obey(enforcing)
            pages.obey(reload)
            anna = house.person(ANNA)
            assert house.enters(ANNA, anna.password) == EVERYTHING
            anna.turn_on()
            key = anna.app_password()
            assert house.enters(ANNA, anna.password) == set()
            assert house.enters(ANNA, key.secret) == EVERYTHING

        # Sidegate is dead now, and its database with it.
        (data / "sidegate.sqlite3").unlink()
        undo = [one.placed(dovecot.places()) for one in pages.blocks("dovecot", "Undo")]
        pages.obey(undo[0])
        assert house.enters(ANNA, anna.password) == EVERYTHING
        assert house.enters(ANNA, "a wrong password") == set()
        pages.obey(undo[1])
        assert list((folder / "conf.d").iterdir()) == list((folder / "tmpfiles.d").iterdir()) == []
        assert house.enters(ANNA, anna.password) == EVERYTHING


def test_who_comes_in(house: House) -> None:
    anna = house.person(ANNA)
    anna.turn_on()
    key = anna.app_password()
    names = [name for name in (ANNA, "Anna@EXAMPLE.test", ALIAS) if knows(house, name)]
    for name in names:
        assert house.enters(name, key.secret) == EVERYTHING, name
    refused = {name: (name, anna.password) for name in names}
    refused["wrong"] = (BERT, "a wrong password")
    refused["unknown"] = ("nobody@example.test", "a wrong password")
    refused["disabled there"] = (CAROL, house.dovecot.passwords[CAROL])
    refused["by a master of no list"] = (f"{ANNA}*{OTHER_MASTER}", MASTERS_PASSWORD)
    by_pass = house.enters(f"{ANNA}*{MASTER}", MASTERS_PASSWORD)
    assert by_pass == EVERYTHING, "master users go on as before"
    for why, outcomes in all_of(house.mail, refused, ONE_EACH).items():
        assert let_in(outcomes) == set(), why
        said = {outcome.said for outcome in outcomes.values()}
        tells = why == "disabled there" and house.dovecot.says_disabled
        text = "disabled" if tells else "use an app password: http://localhost:"
        assert all(text in one for one in said), said
    assert house.enters(BERT, house.dovecot.passwords[BERT]) == EVERYTHING


def knows(house: House, name: str) -> bool:
    return name.lower() in house.dovecot.passwords


def test_client_address_and_program_are_seen(house: House) -> None:
    house.person(BERT)
    reached = house.mail
    with (
        socket.create_connection(
            ("127.0.0.1", reached.ports["imaps"]), source_address=("127.0.0.9", 0)
        ) as plain,
        reached.tls.wrap_socket(plain, server_hostname="localhost") as talk,
    ):
        answers = talk.makefile("rb")
        for said in (
            b'a ID ("name" "Test Mail" "version" "7")',
            f'b LOGIN {BERT} "{house.dovecot.passwords[BERT]}"'.encode(),
        ):
            talk.sendall(said + b"\r\n")
            while not answers.readline().startswith(said[:2]):
                pass
    time.sleep(0.5)  # events are written behind the reply
    told = house.child.command("events", "--account", BERT, "--json").stdout
    seen = [one for one in json.loads(told) if one["address"] == "127.0.0.9"]
    assert [(one["kind"], one["program"]) for one in seen] == [("mail-allowed", "Test Mail 7")]


def test_who_is_disabled_there_after_having_signed_in(house: House) -> None:
    dora = house.person(DORA)
    dora.turn_on()
    key = dora.app_password()
    assert house.enters(DORA, key.secret) == EVERYTHING
    house.dovecot.disable(DORA)
    _, told = connect_check(house, "nobody@example.test")
    hook = "run sidegate account disable ADDRESS wherever you lock somebody there"
    assert (hook in told) == (not house.dovecot.shows_disabled)
    if not house.dovecot.shows_disabled:
        assert house.enters(DORA, key.secret, ONE_EACH) == {way.name for way in ONE_EACH}
        house.child.command("account", "disable", DORA)
    assert house.enters(DORA, key.secret, ONE_EACH) == set()


def test_who_is_gone_there_after_having_signed_in(house: House) -> None:
    emil = house.person(EMIL)
    emil.turn_on()
    key = emil.app_password()
    assert house.enters(EMIL, key.secret, LIBRARIES[:1])
    house.dovecot.remove(EMIL)
    assert house.enters(EMIL, key.secret, ONE_EACH) == set()


def test_what_asks_dovecot_itself_goes_on_as_before(house: House) -> None:
    assert f"{house.dovecot.folder}/mail/{ANNA}" in house.dovecot.doveadm("user", ANNA)
    assert "auth succeeded" in house.dovecot.doveadm(
        "auth", "test", ANNA, house.dovecot.passwords[ANNA]
    )
    with smtplib.LMTP(str(house.dovecot.folder / "run" / "lmtp")) as lmtp:
        lmtp.sendmail("x@example.test", [ANNA], "Subject: by LMTP\r\n\r\nhello\r\n")
    assert "hello" in house.dovecot.doveadm("fetch", "-u", ANNA, "text", "subject", "by LMTP")
    limit = str(QUOTA * 1024)
    assert limit in house.dovecot.doveadm("quota", "get", "-u", ANNA)
    client = imap(house.mail)
    client.login(f"{ANNA}*{MASTER}", MASTERS_PASSWORD)
    _, (_, roots) = client.getquotaroot("INBOX")
    client.logout()
    assert limit in str(roots), "her own limit, as the mail process heard it"


def test_the_printed_lines_for_it_are_those_of_the_page(house: House) -> None:
    conf = str(house.dovecot.file)
    command = ("connect", "dovecot", "--conf", conf, "--json")
    told = house.child.command(*command, through=house.dovecot.on_its_machine).stdout
    plan = json.loads(told)
    printed = [
        "".join(f"{line}\n" for line in block["lines"])
        for block in plan["blocks"]
        if not block["part"]
    ]
    places = house.dovecot.places()
    # The test's own places: the master socket is in no folder of the lines, and tmpfiles.d moved.
    del places["/etc/tmpfiles.d"]
    wanted = [one.placed(places).text for one in page(house.dovecot.version)]
    for name in ("doveconf", "doveadm"):
        wanted = [text.replace(str(house.dovecot.program(name)), name) for text in wanted]
    wanted[0] = wanted[0].replace(f"d {house.dovecot.folder}/sidegate 0755 root root -\n", "")
    assert printed == wanted
    assert plan["around"] == []


def test_check_proves_it(house: House) -> None:
    status, said = check(house)
    assert status == 0, said
    assert "every sign-in service of this dovecot asks Sidegate" in said
    for service in ("imap-login", "pop3-login", "submission-login"):
        assert said.count(f"{service} on port") == 2 * 3, said
    assert said.count("app password: let in, by Sidegate") == 6
    assert said.count("client address: 127.0.0.2, as it is") == 6
    assert said.count('account password: refused; the program is told "') == 6


def check(house: House, *more: str) -> tuple[int, str]:
    house.person(CHECK).turn_on()
    return connect_check(
        house, CHECK, "--password-stdin", *more, stdin=f"{house.dovecot.passwords[CHECK]}\n"
    )


def connect_check(house: House, account: str, *more: str, stdin: str = "") -> tuple[int, str]:
    command = ("connect", "dovecot", "--conf", str(house.dovecot.file), "--check")
    done = house.child.command(
        *command,
        *("--account", account, *more),
        stdin=stdin,
        check=False,
        through=house.dovecot.on_its_machine,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module", params=VERSIONS)
def broken(request: pytest.FixtureRequest) -> Iterator[House]:
    """One more, to be broken and mended."""
    with open_folder() as folder, connected(folder, request.param) as made:
        made.person(CHECK)
        yield made


@pytest.mark.long
def test_check_says_that_it_was_not_reloaded_or_goes_around(broken: House) -> None:
    one_port = ("--at", f"imaps=127.0.0.1:{broken.dovecot.ports['imaps']}")
    enforcing = broken.dovecot.folder / "conf.d" / "99-sidegate.conf"
    text = enforcing.read_text()
    enforcing.unlink()
    broken.dovecot.reload()
    # Dovecot 2.4 reads its files when somebody signs in for the first time since.
    assert broken.enters(BERT, broken.dovecot.passwords[BERT], LIBRARIES[:1])
    enforcing.write_text(text)
    status, said = check(broken, *one_port)
    assert status == 1
    assert "let in WITHOUT asking Sidegate" in said
    assert "was the service reloaded since?" in said

    enforcing.unlink()
    status, said = check(broken, *one_port)
    assert status == 1
    assert "service imap-login does not ask Sidegate: port " in said
    assert "every sign-in service" not in said
    enforcing.write_text(text)
    broken.dovecot.reload()
    assert check(broken, *one_port)[0] == 0


def test_check_says_what_is_wrong_with_the_socket(broken: House) -> None:
    folder = broken.dovecot.folder / "run" / "login" / "sidegate"
    client = folder / "auth-client"

    folder.chmod(0o2700)
    status, said = check_quickly(broken)
    assert status == 1
    assert f"user dovenull may not enter {folder} (drwx--S--- root:dovenull)" in said
    folder.chmod(0o2750)

    client.chmod(0o600)
    status, said = check_quickly(broken)
    assert f"user dovenull may not connect to {client} (srw------- root:dovenull)" in said
    client.chmod(0o660)

    away = client.rename(client.with_name("elsewhere"))
    status, said = check_quickly(broken)
    assert f"there is no {client}: does Sidegate run" in said
    away.rename(client)

    wrong = Path("/nowhere/auth-client")
    status, said = check_quickly(broken, "--socket", str(wrong))
    assert f"is chrooted to {broken.dovecot.folder}/run/login, and {wrong} is not in there" in said
    assert f"[listen] dovecot_client does not name unix:{wrong}" in said


def check_quickly(house: House, *more: str) -> tuple[int, str]:
    """Without secrets: nothing is signed in, so nothing is waited for."""
    return connect_check(house, "nobody@example.test", *more)
