"""App passwords with choices, as mail programs meet them at the private Dovecot."""

from __future__ import annotations

import imaplib
import json
import smtplib
import time

import pytest

from child import Child
from clients.desk import AppPassword, Desk, Person
from clients.ways import imap, smtp


@pytest.fixture
def anna(desk: Desk) -> Person:
    person = desk.person("anna")
    person.turn_on()
    return person


def reads(child: Child, person: Person, key: AppPassword) -> bool:
    client = imap(child, starttls=False)
    try:
        client.login(person.address, key.secret)
    except imaplib.IMAP4.error:
        return False
    finally:
        client.shutdown()
    return True


def tagged(person: Person) -> str:
    return person.address.replace("@", "+scanner@")


def send(client: smtplib.SMTP, sender: str, to: str, *, author: str = "") -> str:
    """What the server said last; empty where it took the message."""
    text = f"From: {author or sender}\r\nTo: {to}\r\nSubject: scan\r\n\r\nA page.\r\n"
    try:
        client.sendmail(sender, [to], text)
    except smtplib.SMTPSenderRefused as problem:
        client.rset()
        return f"{problem.smtp_code} {problem.smtp_error!r}"
    except smtplib.SMTPDataError as problem:
        return f"{problem.smtp_code} {problem.smtp_error!r}"
    return ""


def test_a_scanner_only_sends_and_as_its_sender_alone(child: Child, anna: Person) -> None:
    key = anna.app_password((), device="printer", sender=tagged(anna))
    assert not reads(child, anna, key)
    with smtp(child, starttls=False) as client:
        client.login(anna.address, key.secret)
        assert send(client, tagged(anna).upper(), anna.address) == ""
        refused = send(client, anna.address, anna.address)
        assert refused.startswith("550"), refused
        assert f"sends as {tagged(anna)} alone" in refused
        forged = send(client, tagged(anna), anna.address, author=anna.address)
        assert forged.startswith("550"), forged
        assert "must be" in forged
    with smtp(child, starttls=False) as client:
        client.login(anna.address, anna.app_password().secret)
        assert send(client, anna.address, anna.address) == ""


def test_a_scanner_sends_so_many_a_day_and_no_more(child: Child, anna: Person) -> None:
    key = anna.app_password((), device="printer", daily_most=2)
    with smtp(child, starttls=False) as client:
        client.login(anna.address, key.secret)
        assert [send(client, anna.address, anna.address) for _ in range(2)] == ["", ""]
    with smtp(child, starttls=True) as client:
        client.login(anna.address, key.secret)
        said = send(client, anna.address, anna.address)
    assert said.startswith("452"), said
    assert "4.7.1" in said
    assert "has sent its 2 messages of today" in said


def test_paused_expired_elsewhere_and_back(child: Child, anna: Person) -> None:
    key = anna.app_password()
    lasting = anna.app_password(lasts=3000)
    away = anna.app_password(networks="198.51.100.0/24")
    here = anna.app_password(networks="127.0.0.0/8, ::1")
    assert reads(child, anna, lasting)
    anna.pause(key, on=True)
    assert not reads(child, anna, key)
    anna.pause(key, on=False)
    assert reads(child, anna, key)
    assert not reads(child, anna, away)
    assert reads(child, anna, here)
    time.sleep(1)
    assert not reads(child, anna, lasting)
    time.sleep(0.5)  # events are written behind the reply
    told = child.command("events", "--account", anna.address, "--json").stdout
    refused = [one["reason"] for one in json.loads(told) if one["kind"] == "mail-refused"]
    assert refused == ["app-password-paused", "wrong-network", "app-password-expired"]
