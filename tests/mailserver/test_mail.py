"""Python's own mail clients against the real Dovecot."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import logging
import os
import poplib
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailserver.conftest import ALICE, BOB, ODD, LoopThread, MailSetup, process_group
from sidegate.mailserver.delivery import ELSEWHERE
from sidegate.mailserver.sessions import end, started_at

HOST = "127.0.0.1"
PASSWORD = "right"


@contextmanager
def imap_tls(setup: MailSetup, tls: ssl.SSLContext) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4_SSL(HOST, setup.port("imaps"), ssl_context=tls) as client:
        yield client


@contextmanager
def imap_starttls(setup: MailSetup, tls: ssl.SSLContext) -> Iterator[imaplib.IMAP4]:
    with imaplib.IMAP4(HOST, setup.port("imap")) as client:
        client.starttls(tls)
        yield client


@contextmanager
def pop3_tls(setup: MailSetup, tls: ssl.SSLContext) -> Iterator[poplib.POP3]:
    client = poplib.POP3_SSL(HOST, setup.port("pop3s"), context=tls)
    try:
        yield client
    finally:
        client.quit()


@contextmanager
def pop3_starttls(setup: MailSetup, tls: ssl.SSLContext) -> Iterator[poplib.POP3]:
    client = poplib.POP3(HOST, setup.port("pop3"))
    client.stls(tls)
    try:
        yield client
    finally:
        client.quit()


@contextmanager
def smtp_tls(setup: MailSetup, tls: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    port = setup.port("submissions")
    with smtplib.SMTP_SSL(HOST, port, local_hostname="client.test", context=tls) as client:
        yield client


@contextmanager
def smtp_starttls(setup: MailSetup, tls: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(HOST, setup.port("submission"), local_hostname="client.test") as client:
        client.starttls(context=tls)
        yield client


Imap = Callable[[MailSetup, ssl.SSLContext], AbstractContextManager[imaplib.IMAP4]]
Pop3 = Callable[[MailSetup, ssl.SSLContext], AbstractContextManager[poplib.POP3]]
Smtp = Callable[[MailSetup, ssl.SSLContext], AbstractContextManager[smtplib.SMTP]]


def letter(
    subject: str, *, sender: str = ALICE, to: str = BOB, body: str = "hello"
) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message.set_content(body)
    return message


def subjects(client: imaplib.IMAP4) -> str:
    client.select("INBOX", readonly=True)
    _, parts = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    return "".join(part[1].decode() for part in parts if isinstance(part, tuple))


@pytest.mark.parametrize(
    ("submit", "imap", "pop3"),
    [(smtp_tls, imap_tls, pop3_tls), (smtp_starttls, imap_starttls, pop3_starttls)],
    ids=["tls", "starttls"],
)
def test_what_is_submitted_is_read_back(
    running: MailSetup, tls: ssl.SSLContext, submit: Smtp, imap: Imap, pop3: Pop3
) -> None:
    subject = f"over {submit.__name__}"
    with submit(running, tls) as client:
        client.login(ALICE, PASSWORD)
        assert client.send_message(letter(subject, body=".dots\n.\nÄ", to=BOB)) == {}
    with imap(running, tls) as reader:
        reader.login(BOB, PASSWORD)
        assert f"Subject: {subject}\r\n" in subjects(reader)
    with pop3(running, tls) as popper:
        popper.user(BOB)
        popper.pass_(PASSWORD)
        count, _ = popper.stat()
        _, lines, _ = popper.retr(count)
    assert f"Subject: {subject}".encode() in lines
    assert b".dots" in lines
    received = [line for line in lines if line.startswith(b"Received:")]
    assert len(received) == 2  # submission's and LMTP's: nothing that passes on adds no third


@pytest.mark.parametrize("login", ["Alice@Example.TEST", "alice+tag@example.test"])
def test_other_spellings_of_a_login_are_that_account(
    running: MailSetup, tls: ssl.SSLContext, login: str
) -> None:
    with smtp_tls(running, tls) as client:
        client.login(login, PASSWORD)
        client.send_message(letter("spelt", sender="Alice <alice+shop@example.test>"))


def test_an_address_that_is_no_plain_text_in_the_relay(
    running: MailSetup, tls: ssl.SSLContext
) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ODD, PASSWORD)
        assert client.send_message(letter("odd", sender=ODD, to=ODD)) == {}


def test_a_wrong_password_is_refused_with_the_doors_words(
    running: MailSetup, tls: ssl.SSLContext
) -> None:
    with imap_tls(running, tls) as reader, pytest.raises(imaplib.IMAP4.error) as refused:
        reader.login(ALICE, "wrong")
    assert "Sign-in refused." in str(refused.value)
    with smtp_tls(running, tls) as client, pytest.raises(smtplib.SMTPAuthenticationError) as no:
        client.login(ALICE, "wrong")
    assert (no.value.smtp_code, no.value.smtp_error) == (535, b"5.7.8 Sign-in refused.")


def test_the_usual_folders_are_there_and_subscribed(
    running: MailSetup, tls: ssl.SSLContext
) -> None:
    with imap_tls(running, tls) as reader:
        reader.login(ALICE, PASSWORD)
        _, listed = reader.lsub()
        _, uses = reader.list()
    text = b" ".join(part for part in listed if isinstance(part, bytes))
    for name in (b"Drafts", b"Sent", b"Trash", b"Junk"):
        assert name in text
        assert any(b"\\" + name in part for part in uses if isinstance(part, bytes))


@pytest.mark.parametrize("address", ["carol@elsewhere.test", "nobody@example.test"])
def test_mail_to_elsewhere_is_refused_clearly(
    running: MailSetup, tls: ssl.SSLContext, address: str
) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.send_message(letter("out", to=address))
    code, text = refused.value.recipients[address]
    assert f"{code} {text.decode().replace(f'<{address}> ', '')}" == ELSEWHERE


def test_of_several_recipients_the_local_ones_get_it(
    running: MailSetup, tls: ssl.SSLContext
) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        to = f"{BOB}, {ALICE}, carol@elsewhere.test"
        assert set(client.send_message(letter("several", to=to))) == {"carol@elsewhere.test"}
    for name in (ALICE, BOB):
        with imap_tls(running, tls) as reader:
            reader.login(name, PASSWORD)
            assert "Subject: several" in subjects(reader)


def test_another_accounts_envelope_sender_is_refused(
    running: MailSetup, tls: ssl.SSLContext
) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        code, text = client.mail(BOB)
    assert (code, text[:6]) == (550, b"5.7.1 ")
    assert ALICE.encode() in text


@pytest.mark.parametrize("field", ["From", "Sender"])
def test_another_accounts_from_is_refused(
    running: MailSetup, tls: ssl.SSLContext, field: str
) -> None:
    message = letter("forged")
    del message[field]
    message[field] = BOB
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.send_message(message, from_addr=ALICE, to_addrs=[BOB])
    text = f"5.7.1 the {field} of this message must be {ALICE} and no other"
    assert (refused.value.smtp_code, refused.value.smtp_error) == (550, text.encode())
    with imap_tls(running, tls) as reader:
        reader.login(BOB, PASSWORD)
        assert "forged" not in subjects(reader)


def test_a_message_without_from_is_refused(running: MailSetup, tls: ssl.SSLContext) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail(ALICE, [BOB], "Subject: x\r\n\r\nx")
    assert (refused.value.smtp_code, refused.value.smtp_error[:6]) == (554, b"5.6.0 ")


def test_a_receipt_without_sender_goes_to_one(running: MailSetup, tls: ssl.SSLContext) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        assert client.sendmail("", [BOB], letter("receipt").as_bytes()) == {}
        refused = client.sendmail("", [BOB, ALICE], letter("receipts").as_bytes())
        assert list(refused) == [ALICE]


def test_a_message_that_is_too_large_is_refused(running: MailSetup, tls: ssl.SSLContext) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        assert client.esmtp_features["size"] == str(25 * 1024 * 1024)
        code, text = client.mail(ALICE, ["SIZE=26214401"])
    assert (code, text[:6]) == (552, b"5.2.3 ")


def test_a_message_of_the_announced_size_with_long_lines_arrives(
    running: MailSetup, tls: ssl.SSLContext
) -> None:
    head = f"From: {ALICE}\r\nSubject: large\r\n\r\n".encode()
    line = b"x" * 5000 + b"\r\n"
    body = line * ((25 * 1024 * 1024 - len(head)) // len(line))
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        assert client.sendmail(ALICE, [ALICE], head + body) == {}
    with imap_tls(running, tls) as reader:
        reader.login(ALICE, PASSWORD)
        assert "large" in subjects(reader)


def test_an_outage_of_the_accounts_is_temporary(running: MailSetup, tls: ssl.SSLContext) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        client.mail(ALICE)
        running.door.outage = True
        try:
            code, text = client.rcpt(BOB)
        finally:
            running.door.outage = False
    assert (code, text[:6]) == (451, b"4.3.0 ")


def test_an_outage_between_recipient_and_delivery_loses_nothing(
    running: MailSetup, tls: ssl.SSLContext
) -> None:
    with smtp_tls(running, tls) as client:
        client.login(ALICE, PASSWORD)
        client.mail(ALICE)
        client.rcpt(BOB)
        running.door.outage = True
        try:
            code, text = client.data(letter("lost").as_bytes())
        finally:
            running.door.outage = False
        assert (code, text[:6]) == (451, b"4.3.0 ")
        assert client.send_message(letter("again")) == {}


def test_the_session_process_is_that_one_session(running: MailSetup, tls: ssl.SSLContext) -> None:
    with imap_tls(running, tls) as first:
        first.login(ALICE, PASSWORD)
        second = imaplib.IMAP4_SSL(HOST, running.port("imaps"), ssl_context=tls)
        second.login(ALICE, PASSWORD)
        pid = running.door.started[-1][1]
        born = started_at(pid)
        assert born is not None
        latest = time.monotonic() + 2
        assert end(pid, born)
        while started_at(pid) == born:
            assert time.monotonic() < latest
            time.sleep(0.01)
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            second.noop()
        second.shutdown()
        assert first.noop()[0] == "OK"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_started_as_root_every_process_is_the_mail_users(running: MailSetup) -> None:
    user = running.places.user
    assert user is not None
    master = running.server.pid
    assert master is not None
    processes = process_group(master)
    assert len(processes) > 3
    for folder in (Path("/proc") / str(pid) for pid in processes):
        try:
            status = (folder / "status").read_text()
        except OSError:  # a session of an earlier test that ends just now
            continue
        lines = dict(line.split(":\t", 1) for line in status.splitlines())
        assert set(lines["Uid"].split()) == {str(user.uid)}
        assert set(lines["Gid"].split()) == {str(user.gid)}
        assert lines["Groups"].strip() == ""
        assert int(lines["CapEff"], 16) == 0


def test_the_secret_of_the_run_is_nowhere_but_in_its_file(running: MailSetup) -> None:
    config = running.places.conf / "dovecot.conf"
    secret = running.server._delivery._secret
    assert secret in config.read_text()
    for name in ("dovecot.conf", "tls.key"):
        assert (running.places.conf / name).stat().st_mode & 0o777 == 0o600
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            assert secret.encode() not in (folder / "cmdline").read_bytes()


def test_no_secret_and_no_message_is_logged(
    new_server: Callable[[], MailSetup],
    loop: LoopThread,
    tls: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
) -> None:
    setup = new_server()
    with caplog.at_level(logging.DEBUG):
        loop.run(setup.start())
        for login, secret in ((ALICE, "unique-wrong-1"), ("unique-wrong-2", "x")):
            for make in (smtp_tls, smtp_starttls):
                with make(setup, tls) as client, pytest.raises(smtplib.SMTPAuthenticationError):
                    client.login(login, secret)
            with imap_tls(setup, tls) as reader, pytest.raises(imaplib.IMAP4.error):
                reader.login(login, secret)
        with smtp_tls(setup, tls) as client:
            client.login(ALICE, PASSWORD)
            client.send_message(letter("unique-subject", body="unique-body"))
        loop.run(setup.stop())
    assert "master: Info: Dovecot" in caplog.text  # it was listened to
    relay = setup.server._delivery._secret
    for text in ("unique-wrong-1", "unique-wrong-2", relay, "unique-subject", "unique-body"):
        plain = base64.b64encode(text.encode()).decode().rstrip("=")[2:-2]
        assert text not in caplog.text
        assert plain not in caplog.text
