"""An operator's own machine: a Dovecot with accounts, a Postfix that asks it, and mail programs."""

from __future__ import annotations

import imaplib
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from child import Child, free_ports
from clients.ways import as_text, curl, mbsync, msmtp
from connect import pages
from connect.her_dovecot import CHECK, HerDovecot, her_dovecot
from connect.her_postfix import HerPostfix, her_postfix
from connect.house import Reached, Tables, configure, open_folder
from connect.test_observe import sign_in
from peers import require

PAGE = "your-mail-server"
DESK, SCANNER, PHONE = "127.0.0.1", "127.0.0.21", "127.0.0.9"
"""Where mail programs are: on loopback, each address is a network of its own."""
IN = "in"
ALL = ("phone", "reads", "sends", "scans")
LETTER = "From: x@example.test\nTo: x@example.test\nSubject: hello\n\nhello\n"

_ASKED_BY_POSTFIX = """\
service auth {{
  unix_listener {queue}/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""
_RUN = f'#!/bin/sh\nexec "{sys.executable}" -m sidegate "$@"\n'
"""`./run` without its setting up, which tests/checkout tries."""


@dataclass
class HerMachine:
    """A machine on which the page can be followed."""

    folder: Path
    dovecot: HerDovecot
    postfix: HerPostfix
    http: int = field(default_factory=lambda: free_ports(1)[0])
    settings: Tables = field(default_factory=dict)

    @property
    def checkout(self) -> Path:
        """Where Sidegate is unpacked."""
        return self.folder / "opt"

    @property
    def data(self) -> Path:
        return self.checkout / "var"

    # The page -------------------------------------------------------------------------------

    def follow(self, step: str) -> str:
        """Do all that a step of the page says; what its commands say."""
        return "".join(self.obey(block) for block in self.blocks(step))

    def blocks(self, step: str) -> list[pages.Block]:
        """What a step of the page says, for where things are on this machine."""
        places = {
            **self.postfix.places(),
            **self.dovecot.places(),
            "/opt/sidegate": str(self.checkout),
            "127.0.0.1:2026": f"127.0.0.1:{self.http}",
            "connect dovecot": f"connect dovecot --conf {self.dovecot.file}",
            "connect postfix": f"connect postfix --conf {self.postfix.conf}",
        }
        return [block.placed(places) for block in pages.blocks(PAGE, step)]

    def obey(self, block: pages.Block) -> str:
        """Do what a block says; of `sidegate.toml` the ports are free ones."""
        if block.language != "toml":
            return pages.obey(block, at=self.checkout)
        for section, values in pages.settings(block).items():
            self.settings.setdefault(section, {}).update(values)
        listen = {"http": f"127.0.0.1:{self.http}", **self.settings["listen"]}
        configure(self.data, {**self.settings, "listen": listen})
        return ""

    def as_it_is(self) -> dict[str, str]:
        """The configuration of both servers, to compare."""
        command: list[str | Path] = [require("postconf"), "-c", self.postfix.conf, "-n"]
        told = subprocess.run(command, check=True, capture_output=True, text=True)
        kept = sorted((self.dovecot.folder / "conf.d").iterdir())
        return {"main.cf": told.stdout, **{one.name: one.read_text() for one in kept}}


@dataclass
class Programs:
    """Somebody's mail programs; each says whether it came in, or what it was told."""

    machine: HerMachine
    child: Child
    login: str

    def phone(self, secret: str) -> str:
        """Reads by IMAP, and names itself: Test Mail 7."""
        try:
            sign_in(self.machine.dovecot, self.login, secret, source=PHONE)
        except imaplib.IMAP4.error as error:
            return as_text(error.args[0])
        return IN

    def reads(self, secret: str) -> str:
        """At the desk: mbsync fetches the INBOX."""
        with TemporaryDirectory() as folder:
            done = mbsync(self._reached, self.login, secret, Path(folder))
        return IN if done.returncode == 0 else done.stderr

    def sends(self, secret: str) -> str:
        """At the desk: msmtp sends a message."""
        done = msmtp(
            self._reached, self.login, secret, to=self.login, message=LETTER, starttls=True
        )
        return IN if done.returncode == 0 else done.stderr

    def scans(self, secret: str) -> str:
        """The scanner: curl sends a message, from elsewhere."""
        letter = self.machine.folder / "letter"
        letter.write_text(LETTER)
        url = f"smtp://127.0.0.1:{self.machine.postfix.port}"
        done = curl(
            self._reached, self.login, secret, url, "--ssl-reqd", "--interface", SCANNER,
            "--mail-from", self.login, "--mail-rcpt", self.login, "-T", str(letter),
        )  # fmt: skip
        return IN if done.returncode == 0 else done.stderr

    def all(self, secret: str) -> dict[str, str]:
        """Each with the same password."""
        tried = (self.phone, self.reads, self.sends, self.scans)
        with ThreadPoolExecutor(len(tried)) as pool:
            return dict(zip(ALL, pool.map(lambda one: one(secret), tried), strict=True))

    @property
    def _reached(self) -> Reached:
        ports = {**self.machine.dovecot.ports, "submission": self.machine.postfix.port}
        authority = self.machine.dovecot.authority
        return Reached(self.child.data, ports, self.child.process, [], authority)


@contextmanager
def her_machine() -> Iterator[HerMachine]:
    """Both servers, as Debian's pages connect them: Postfix asks Dovecot in its own chroot."""
    with open_folder() as folder, her_dovecot(folder) as dovecot, her_postfix(folder) as postfix:
        asked = _ASKED_BY_POSTFIX.format(queue=postfix.queue)
        (folder / "conf.d" / "10-postfix.conf").write_text(asked)
        dovecot.reload()
        postfix.set("smtpd_sasl_type", "dovecot")
        postfix.set("smtpd_sasl_path", "private/auth")
        postfix.postfix("reload")
        machine = HerMachine(folder, dovecot, postfix)
        machine.checkout.mkdir()
        (machine.checkout / "run").write_text(_RUN)
        (machine.checkout / "run").chmod(0o755)
        (machine.checkout / "password.txt").write_text(f"{dovecot.passwords[CHECK]}\n")
        yield machine
