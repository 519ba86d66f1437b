"""Notices in real mailboxes: a private Dovecot and a mail program that reads them."""

from __future__ import annotations

import email
import imaplib
import json
import os
import re
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from child import Child, running
from clients.desk import AppPassword, Desk, Person, desk_for
from clients.ways import imap
from peers import require

PATIENCE = 20.0
QUIET = 3.0
"""Seconds after which what has not come does not come: jobs are looked for each second."""
LINK = re.compile(r"http://localhost:[0-9]+/\S+")


@pytest.fixture(scope="module")
def telling(child: Child) -> Iterator[Desk]:
    """The pages, with their notices."""
    with desk_for(child.data, "tell") as opened:
        yield opened


def sign_in(child: Child, person: Person, secret: str, *, program: str = "") -> None:
    client = imap(child)
    try:
        if program:
            client._simple_command("ID", f'("name" "{program}" "version" "1.0")')
        client.login(person.address, secret)
    finally:
        client.shutdown()


def refused(child: Child, person: Person, secret: str, *, program: str = "") -> str:
    with pytest.raises(imaplib.IMAP4.error) as caught:
        sign_in(child, person, secret, program=program)
    return str(caught.value)


def messages(child: Child, person: Person, key: AppPassword) -> list[EmailMessage]:
    client = imap(child)
    client.login(person.address, key.secret)
    client.select(readonly=True)
    numbers = client.search(None, "ALL")[1][0].split()
    found = []
    for number in numbers:
        part = client.fetch(number.decode(), "(RFC822)")[1][0]
        assert isinstance(part, tuple)
        message = email.message_from_bytes(part[1], policy=default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    client.logout()
    return found


def wait_for(child: Child, person: Person, key: AppPassword, count: int) -> list[EmailMessage]:
    deadline = time.monotonic() + PATIENCE
    while len(found := messages(child, person, key)) < count:
        assert time.monotonic() < deadline, [message["Subject"] for message in found]
        time.sleep(0.2)
    return found


def events(child: Child, person: Person, kind: str) -> list[dict[str, object]]:
    told = child.command("events", "--account", person.address, "--json").stdout
    return [event for event in json.loads(told) if event["kind"] == kind]


def familiar(child: Child, desk: Desk) -> tuple[Person, AppPassword]:
    """Somebody whose program signed in with the account password until 2-step came on."""
    person = desk.person()
    sign_in(child, person, person.password)
    time.sleep(0.5)  # the network's stamp is written behind
    person.turn_on()
    return person, person.app_password()


def test_a_program_that_keeps_the_account_password(child: Child, desk: Desk) -> None:
    anna, key = familiar(child, desk)
    texts = {refused(child, anna, anna.password, program="iPhone Mail") for _ in range(2)}
    wrong = refused(child, anna, "a wrong password", program="iPhone Mail")
    assert texts == {wrong}
    (message,) = wait_for(child, anna, key, 1)
    time.sleep(QUIET)
    assert len(messages(child, anna, key)) == 1
    assert message["To"] == anna.address
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "Program: iPhone Mail 1.0 (IMAP)" in text
    (link,) = LINK.findall(text)
    assert link == f"{child.url}/security/app-passwords?app=mail&device=iphone"
    (event,) = events(child, anna, "mail-password-right")
    assert (event["program"], event["reason"]) == ("iPhone Mail 1.0", "account-password-right")


def test_nothing_for_a_wrong_one_or_an_unfamiliar_network(child: Child, desk: Desk) -> None:
    anna, key = familiar(child, desk)
    refused(child, anna, "a wrong password")
    bert = desk.person()
    bert.turn_on()
    hers = bert.app_password()
    refused(child, bert, bert.password)
    time.sleep(QUIET)
    assert events(child, anna, "mail-password-right") == []
    assert events(child, bert, "mail-password-right") == []
    assert messages(child, anna, key) == []
    assert messages(child, bert, hers) == []


def test_the_link_of_a_message_locks(child: Child, telling: Desk) -> None:
    anna = telling.person("told")  # each desk counts for itself
    anna.turn_on()
    key = anna.app_password()
    found = wait_for(child, anna, key, 2)
    subjects = {"2-Step Verification was turned on", "An app password was made"}
    assert {message["Subject"] for message in found} == subjects
    newest = next(m for m in found if m["Subject"] == "An app password was made")
    link = LINK.findall(newest.get_content())[0]
    with urllib.request.urlopen(link, timeout=10) as page:  # noqa: S310 - our own address
        assert anna.address in page.read().decode()
    sign_in(child, anna, key.secret)  # looking at the page has locked nothing
    with pytest.raises(urllib.error.HTTPError, match="403"):  # no form of ours
        urllib.request.urlopen(link, data=b"", timeout=10)  # noqa: S310 - our own address
    sign_in(child, anna, key.secret)
    _press(link)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(link, timeout=10)  # noqa: S310 - our own address
    deadline = time.monotonic() + PATIENCE
    while "Not Found: /lock/…" not in (logged := "\n".join(child.output)):
        assert time.monotonic() < deadline, logged
        time.sleep(0.1)
    assert "Forbidden" in logged
    assert link.rpartition("/")[2] not in logged
    refused(child, anna, key.secret)
    shown = json.loads(child.command("account", "show", anna.address, "--json").stdout)
    assert shown["enabled"] is False
    assert shown["locked"]


def _press(link: str) -> None:
    """Press the page's button, as a browser does."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(link, timeout=10) as page:
        field = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
    assert field
    request = urllib.request.Request(  # noqa: S310 - our own address
        link, data=f"csrfmiddlewaretoken={field[1]}".encode(), headers={"Referer": link}
    )
    with opener.open(request, timeout=10) as page:
        assert page.url.endswith("/locked")


def test_killed_between_writing_and_sending(data: Path) -> None:
    """The notice is written by another process; ours is killed before it can take it."""
    require("dovecot")
    with running(data) as first, desk_for(data, "tell") as desk:
        anna = desk.person()
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(10)
        anna.turn_on()
        key = anna.app_password()
    with running(data) as second:
        found = wait_for(second, anna, key, 2)
        assert len({message["Message-ID"] for message in found}) == 2
