"""A message on its way: sent through submission, read back over IMAP and POP3, and refused."""

from __future__ import annotations

import re
import smtplib
import socket
import subprocess
import uuid
from pathlib import Path

import pytest

from child import Child
from clients.desk import AppPassword, Desk, Person
from clients.ways import authenticate, curl, imap, mbsync, msmtp, pop3, smtp

ELSEWHERE = "this server delivers only to its own accounts; connect your own mail server"


@pytest.fixture(scope="module")
def anna(desk: Desk) -> Person:
    person = desk.person("anna")
    person.turn_on()
    return person


@pytest.fixture(scope="module")
def key(anna: Person) -> AppPassword:
    return anna.app_password()


@pytest.fixture(scope="module")
def bert(desk: Desk) -> Person:
    return desk.person("bert")


def letter(sender: str, to: str, mark: str) -> str:
    return f"From: {sender}\r\nTo: {to}\r\nSubject: {mark}\r\n\r\nHello from {mark}.\r\n"


def by_smtplib(child: Child, anna: Person, key: AppPassword, mark: str, *, starttls: bool) -> None:
    with smtp(child, starttls=starttls) as client:
        client.login(anna.address, key.grouped)
        client.sendmail(anna.address, anna.address, letter(anna.address, anna.address, mark))


def by_curl(
    child: Child, anna: Person, key: AppPassword, mark: str, folder: Path, *, starttls: bool
) -> None:
    file = folder / "letter"
    file.write_text(letter(anna.address, anna.address, mark))
    who = ["--mail-from", anna.address, "--mail-rcpt", anna.address, "-T", str(file)]
    if starttls:
        url, more = f"smtp://localhost:{child.ports['submission']}", ["--ssl-reqd"]
    else:
        url, more = f"smtps://localhost:{child.ports['submissions']}", []
    done = curl(child, anna.address, key.secret, url, *more, *who)
    assert done.returncode == 0, done.stderr


def by_msmtp(child: Child, anna: Person, key: AppPassword, mark: str, *, starttls: bool) -> None:
    text = letter(anna.address, anna.address, mark).replace("\r\n", "\n")
    done = msmtp(child, anna.address, key.secret, to=anna.address, message=text, starttls=starttls)
    assert done.returncode == 0, done.stderr


def read_by_imap(child: Child, anna: Person, secret: str, *, starttls: bool) -> str:
    client = imap(child, starttls=starttls)
    client.login(anna.address, secret)
    client.select(readonly=True)
    found = client.search(None, "ALL")[1][0].split()
    texts = [client.fetch(number.decode(), "(BODY.PEEK[])")[1] for number in found]
    client.logout()
    return "".join(part[1].decode() for (part, *_) in texts if isinstance(part, tuple))


def read_by_pop3(child: Child, anna: Person, secret: str, *, starttls: bool) -> str:
    client = pop3(child, starttls=starttls)
    client.user(anna.address)
    client.pass_(secret)
    count, _ = client.stat()
    lines = [line for number in range(count) for line in client.retr(number + 1)[1]]
    client.quit()
    return b"\n".join(lines).decode()


def read_by_curl(child: Child, anna: Person, secret: str) -> dict[str, str]:
    ports = child.ports
    urls = {
        "imaps": [f"imaps://localhost:{ports['imaps']}/INBOX;MAILINDEX=1"],
        "imap": [f"imap://localhost:{ports['imap']}/INBOX;MAILINDEX=1", "--ssl-reqd"],
        "pop3s": [f"pop3s://localhost:{ports['pop3s']}/1"],
        "pop3": [f"pop3://localhost:{ports['pop3']}/1", "--ssl-reqd"],
    }
    done = {
        name: curl(child, anna.address, secret, url, *more) for name, (url, *more) in urls.items()
    }
    return {name: one.stdout for name, one in done.items()}


def test_every_program_sends_and_every_program_reads(
    child: Child, anna: Person, key: AppPassword, tmp_path: Path
) -> None:
    marks = [uuid.uuid4().hex for _ in range(6)]
    for starttls in (False, True):
        by_smtplib(child, anna, key, marks.pop(), starttls=starttls)
        by_msmtp(child, anna, key, marks.pop(), starttls=starttls)
        by_curl(child, anna, key, marks.pop(), tmp_path, starttls=starttls)
    subjects = set(
        re.findall(r"Subject: (\w+)", read_by_imap(child, anna, key.secret, starttls=False))
    )
    assert len(subjects) == 6
    for starttls in (False, True):
        for read in (read_by_imap, read_by_pop3):
            text = read(child, anna, key.grouped.upper(), starttls=starttls)
            assert set(re.findall(r"Subject: (\w+)", text)) == subjects
        folder = tmp_path / f"mbsync{starttls}"
        folder.mkdir()
        done = mbsync(child, anna.address, key.grouped, folder, starttls=starttls)
        assert done.returncode == 0, done.stderr
        files = [one for one in (folder / "mail" / "INBOX").rglob("*") if one.is_file()]
        fetched = "".join(one.read_text() for one in files if "," in one.name)
        assert set(re.findall(r"Subject: (\w+)", fetched)) == subjects
    for name, text in read_by_curl(child, anna, key.secret).items():
        assert "Hello from" in text, name


def test_a_tagged_address_reaches_its_account(
    child: Child, anna: Person, bert: Person, key: AppPassword
) -> None:
    mark = uuid.uuid4().hex
    local, _, domain = bert.address.partition("@")
    with smtp(child) as client:
        client.login(anna.address, key.secret)
        to = f"{local.title()}+lists@{domain.upper()}"
        client.sendmail(anna.address, to, letter(anna.address, to, mark))
    assert mark in read_by_imap(child, bert, bert.password, starttls=False)


def test_a_big_message_goes_through_and_one_too_big_is_refused(
    child: Child, anna: Person, bert: Person, key: AppPassword
) -> None:
    mark = uuid.uuid4().hex
    line = "x" * 70 + "\r\n"
    with smtp(child) as client:
        client.login(anna.address, key.secret)
        big = letter(anna.address, bert.address, mark) + line * (20 * 1024 * 1024 // len(line))
        client.sendmail(anna.address, bert.address, big)
        with pytest.raises(smtplib.SMTPException, match=r"(?i)size|big|large"):
            client.sendmail(anna.address, bert.address, big + line * 100_000)
    assert mark in read_by_imap(child, bert, bert.password, starttls=True)


def test_nothing_leaves_this_server(child: Child, anna: Person, key: AppPassword) -> None:
    for foreign in ("someone@elsewhere.test", "nobody@example.test", "someone"):
        with smtp(child) as client:
            client.login(anna.address, key.secret)
            with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
                client.sendmail(anna.address, foreign, letter(anna.address, foreign, "no"))
            code, text = refused.value.recipients[foreign]
            assert code >= 500
            if "@" in foreign:
                assert ELSEWHERE in text.decode()


def test_msmtp_shows_why(child: Child, anna: Person, key: AppPassword) -> None:
    message = letter(anna.address, "someone@elsewhere.test", "no")
    done = msmtp(child, anna.address, key.secret, to="someone@elsewhere.test", message=message)
    assert done.returncode != 0
    assert ELSEWHERE in done.stderr


def test_nobody_sends_as_somebody_else(
    child: Child, anna: Person, bert: Person, key: AppPassword
) -> None:
    with smtp(child) as client:
        client.login(anna.address, key.secret)
        with pytest.raises(smtplib.SMTPSenderRefused, match="send as that address"):
            client.sendmail(bert.address, bert.address, letter(bert.address, bert.address, "no"))
        client.rset()
        with pytest.raises(smtplib.SMTPDataError, match="From of this message"):
            client.sendmail(anna.address, bert.address, letter(bert.address, bert.address, "no"))
        client.rset()
        # Her own address with a tag is hers.
        local, _, domain = anna.address.partition("@")
        tagged = f"{local}+shop@{domain}"
        client.sendmail(tagged, bert.address, letter(tagged, bert.address, "tagged"))


@pytest.mark.parametrize("starttls", [False, True])
def test_nobody_sends_without_signing_in(
    child: Child, anna: Person, bert: Person, *, starttls: bool
) -> None:
    for sender in (anna.address, "someone@elsewhere.test", ""):
        with smtp(child, starttls=starttls) as client:
            client.ehlo()
            for command in (f"MAIL FROM:<{sender}>", f"RCPT TO:<{bert.address}>", "DATA"):
                code, _ = client.docmd(command)
                assert code >= 500, command


ANOTHER_MACHINE = ("127.0.0.2", 0)
"""Dovecot takes a connection within one machine, from and to one address, for a secure one."""


def test_no_password_is_taken_without_tls(child: Child, anna: Person, key: AppPassword) -> None:
    ports = child.ports
    with smtplib.SMTP(
        "127.0.0.1", ports["submission"], timeout=30, source_address=ANOTHER_MACHINE
    ) as client:
        client.ehlo()
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            authenticate(client, anna.address, key.secret)
        assert refused.value.smtp_code in {523, 530, 538}, refused.value
    said = plainly(ports["imap"], f'a LOGIN {anna.address} "{key.secret}"')
    assert b"LOGINDISABLED" in said
    assert b"a NO [PRIVACYREQUIRED]" in said
    assert b"-ERR [AUTH]" in plainly(ports["pop3"], f"USER {anna.address}")


def plainly(port: int, line: str) -> bytes:
    """The answers to a line sent without TLS and an end of it all."""
    address = ("127.0.0.1", port)
    with socket.create_connection(address, 30, source_address=ANOTHER_MACHINE) as raw:
        raw.sendall(f"{line}\r\nQUIT\r\nz LOGOUT\r\n".encode())
        return b"".join(iter(lambda: raw.recv(4096), b""))


def relay_port(child: Child) -> int:
    """The port on loopback behind submission, which is written in no public place."""
    known = set(child.ports.values())
    listing = subprocess.run(
        ["cat", f"/proc/{child.process.pid}/net/tcp"], capture_output=True, text=True, check=True
    ).stdout
    own = {
        link.readlink().name.partition("[")[2].rstrip("]")
        for link in Path(f"/proc/{child.process.pid}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    listening = [
        int(fields[1].partition(":")[2], 16)
        for fields in map(str.split, listing.splitlines()[1:])
        if fields[3] == "0A" and fields[9] in own
    ]
    (port,) = set(listening) - known
    return port


def test_the_port_behind_submission_takes_nothing_from_others(
    child: Child, anna: Person, bert: Person, key: AppPassword
) -> None:
    with smtplib.SMTP("127.0.0.1", relay_port(child), timeout=30) as client:
        client.ehlo()
        code, _ = client.docmd(f"MAIL FROM:<{anna.address}>")
        assert code == 530
        client.docmd(f"XCLIENT LOGIN={anna.address}")
        client.ehlo()
        assert client.docmd(f"MAIL FROM:<{anna.address}>")[0] == 530
        for login, secret in (("sidegate", "a guess"), (anna.address, key.secret)):
            with pytest.raises(smtplib.SMTPAuthenticationError):
                authenticate(client, login, secret)
        assert client.docmd(f"MAIL FROM:<{anna.address}>")[0] == 530
        assert client.docmd(f"RCPT TO:<{bert.address}>")[0] >= 500
