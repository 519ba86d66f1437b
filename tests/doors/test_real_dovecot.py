"""The real Dovecot in front of a running door: what its clients are told in the end."""

from __future__ import annotations

import asyncio
import grp
import imaplib
import os
import poplib
import pwd
import shutil
import smtplib
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from child import free_ports
from doors.nullparts import RIGHT, NullMailboxes, OpenDoor, RunningDoor
from peers import require

CONFIGURATION = """
base_dir = {base}
state_dir = {base}
log_path = /dev/stderr
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
protocols = imap pop3 submission
auth_mechanisms = plain login
auth_socket_path = {master}
imap_id_retain = yes
mail_location = maildir:~/Maildir
ssl = no
disable_plaintext_auth = no
submission_relay_host = 127.0.0.1
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service old-stats {{
  chroot =
}}
service imap {{
  executable = imap -a {master}
}}
service pop3 {{
  executable = pop3 -a {master}
}}
service imap-login {{
  executable = imap-login {client}
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  executable = pop3-login {client}
  chroot =
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
service submission-login {{
  executable = submission-login {client}
  chroot =
  inet_listener submission {{
    address = 127.0.0.1
    port = {submission}
  }}
}}
"""


@dataclass(frozen=True)
class Ports:
    imap: int
    pop3: int
    submission: int


def _ordinary_user() -> pwd.struct_passwd:
    """Whom Dovecot runs as: us, or an unprivileged user where we are root."""
    return pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")


@contextmanager
def _dovecot(door: RunningDoor, folder: Path) -> Iterator[Ports]:
    dovecot, user, ports = require("dovecot"), _ordinary_user(), Ports(*free_ports(3))
    base = folder / "base"
    base.mkdir()
    file = folder / "dovecot.conf"
    file.write_text(
        CONFIGURATION.format(
            base=base,
            user=user.pw_name,
            group=grp.getgrgid(user.pw_gid).gr_name,
            client=door.client,
            master=door.master,
            **vars(ports),
        )
    )
    if os.geteuid() == 0:
        for path in (folder, base, door.client, door.master):
            shutil.chown(path, user.pw_uid, user.pw_gid)
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [dovecot, "-F", "-c", file],
            stderr=output,
            user=user.pw_uid if os.geteuid() == 0 else None,
            group=user.pw_gid if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
        )
    try:
        yield ports
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        print(log.read_text())  # noqa: T201 - pytest shows it where a test fails


@pytest.fixture
def ask(open_door: OpenDoor, folder: Path) -> Callable[[Callable[[Ports], None]], RunningDoor]:
    """Runs a blocking conversation with Dovecot beside the door's event loop."""

    def run(conversation: Callable[[Ports], None]) -> RunningDoor:
        async def beside() -> RunningDoor:
            user = _ordinary_user()
            boxes = NullMailboxes(uid=user.pw_uid, gid=user.pw_gid, home=str(folder / "mail"))
            async with open_door(mailboxes=boxes) as door:
                with _dovecot(door, folder) as ports, ThreadPoolExecutor(1) as pool:
                    loop = asyncio.get_running_loop()
                    await loop.run_in_executor(pool, conversation, ports)
                return door

        return asyncio.run(beside())

    return run


Ask = Callable[[Callable[[Ports], None]], "RunningDoor"]


def _connect_imap(ports: Ports) -> imaplib.IMAP4:
    for _ in range(100):
        try:
            return imaplib.IMAP4("127.0.0.1", ports.imap, timeout=10)
        except ConnectionRefusedError:
            time.sleep(0.05)
    pytest.fail("Dovecot does not listen")


def test_imap(ask: Ask) -> None:
    def conversation(ports: Ports) -> None:
        imap = _connect_imap(ports)
        imap.xatom("ID", '("name" "Example Mail" "version" "1.0")')
        with pytest.raises(imaplib.IMAP4.error) as refused:
            imap.login("alice@example.test", "wrong")
        assert str(refused.value) == (
            "b'[ALERT] Sign-in refused. Use an app password: https://example.test/x'"
        )
        with pytest.raises(imaplib.IMAP4.error, match=r"\[UNAVAILABLE\]"):
            imap.login("outage@example.test", "any")
        with pytest.raises(imaplib.IMAP4.error, match=r"\[ALERT\] This account is disabled"):
            imap.login("disabled@example.test", RIGHT)
        with pytest.raises(imaplib.IMAP4.error):
            imap.login("revoked@example.test", RIGHT)
        imap.shutdown()
        imap = _connect_imap(ports)
        imap.authenticate("PLAIN", lambda _: f"\0alice@example.test\0{RIGHT}".encode())
        assert imap.select("INBOX")[0] == "OK"
        imap.logout()

    door = ask(conversation)
    first = door.sign_in.seen[0]
    assert (first.program, first.protocol, first.address) == (
        "Example Mail 1.0",
        "imap",
        "127.0.0.1",
    )
    assert first.session
    assert door.mailboxes.started[-1].process_id > 0


def test_imap_for_a_program_that_wants_another_code(ask: Ask) -> None:
    def conversation(ports: Ports) -> None:
        imap = _connect_imap(ports)
        imap.xatom("ID", '("name" "K-9 Mail" "version" "8.0")')
        with pytest.raises(imaplib.IMAP4.error, match=r"b'\[AUTHENTICATIONFAILED\] Sign-in ref"):
            imap.login("alice@example.test", "wrong")
        imap.shutdown()

    ask(conversation)


def test_pop3_and_submission(ask: Ask) -> None:
    def conversation(ports: Ports) -> None:
        _connect_imap(ports).shutdown()
        pop3 = poplib.POP3("127.0.0.1", ports.pop3, timeout=10)
        pop3.user("alice@example.test")
        with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\] Sign-in refused\."):
            pop3.pass_("wrong")
        pop3.user("outage@example.test")
        with pytest.raises(poplib.error_proto, match=r"-ERR \[SYS/TEMP\]"):
            pop3.pass_("any")
        pop3.user("alice@example.test")
        pop3.pass_(RIGHT)
        pop3.quit()
        smtp = smtplib.SMTP("127.0.0.1", ports.submission, timeout=10)
        for mechanism in ("plain", "login"):
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                _smtp_auth(smtp, mechanism, "alice@example.test")
            assert refused.value.smtp_code == 535
            assert str(refused.value.smtp_error).startswith("b'5.7.8 Sign-in refused.")
        with pytest.raises(smtplib.SMTPAuthenticationError) as unavailable:
            _smtp_auth(smtp, "plain", "outage@example.test")
        assert unavailable.value.smtp_code == 454
        smtp.close()

    door = ask(conversation)
    assert {attempt.protocol for attempt in door.sign_in.seen} == {"pop3", "submission"}


def _smtp_auth(smtp: smtplib.SMTP, mechanism: str, login: str) -> None:
    smtp.ehlo()
    smtp.user, smtp.password = login, "wrong"
    smtp.auth(mechanism, smtp.auth_plain if mechanism == "plain" else smtp.auth_login)
