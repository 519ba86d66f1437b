"""An operator's own Dovecot: started as root with its chroot, accounts of its own."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from child import PATIENCE, free_ports
from connect.certificates import make_certificate
from peers import require

PORTS = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions")
ANNA, BERT, CAROL, CHECK = (f"{name}@example.test" for name in ("anna", "bert", "carol", "check"))
ALIAS = "a.person@example.test"
"""Another name of Anna's, by `user=`."""
RELOADED = "SIGHUP received - reloading configuration"
MASTER = "boss"
MASTERS_PASSWORD = "the password of the master"

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_verbose = yes
protocols = imap pop3 submission lmtp
first_valid_uid = 1
mail_location = maildir:~/Maildir
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
auth_mechanisms = plain login
auth_master_user_separator = *
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/masters
  master = yes
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service imap-login {{
  inet_listener imap {{
    address = 127.0.0.1
    port = {imap}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    address = 127.0.0.1
    port = {pop3}
  }}
  inet_listener pop3s {{
    address = 127.0.0.1
    port = {pop3s}
  }}
}}
service submission-login {{
  inet_listener submission {{
    address = 127.0.0.1
    port = {submission}
  }}
  inet_listener submissions {{
    address = 127.0.0.1
    port = {submissions}
    ssl = yes
  }}
}}
!include_try conf.d/*.conf
"""


@dataclass
class HerDovecot:
    """A running Dovecot with accounts of its own."""

    folder: Path
    ports: dict[str, int]
    passwords: dict[str, str]
    version = "2.3"
    configuration = CONFIGURATION

    def program(self, name: str) -> Path:
        """One of Dovecot's own programs."""
        return require(name)

    def on_its_machine(self, command: list[str]) -> list[str]:
        """The command, to be run where this is the machine's Dovecot."""
        return command

    @property
    def file(self) -> Path:
        return self.folder / "dovecot.conf"

    @property
    def authority(self) -> Path:
        return self.folder / "authority.pem"

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def places(self) -> dict[str, str]:
        """Where the things of an ordinary installation are in this one."""
        return {
            "/etc/tmpfiles.d": f"{self.folder}/tmpfiles.d",  # noqa: S108 - a name
            "/etc/dovecot": str(self.folder),
            "/run/dovecot": f"{self.folder}/run",
            "/run/sidegate": f"{self.folder}/sidegate",
            "doveconf >": f"{self.program('doveconf')} -c {self.file} >",
            "doveadm reload": f"{self.program('doveadm')} -c {self.file} reload",
        }

    def doveadm(self, *words: str) -> str:
        command: list[str | Path] = [self.program("doveadm"), "-c", self.file, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def reload(self) -> None:
        """Reload, and wait until the configuration has been read again."""
        before = self.log.count(RELOADED)
        self.doveadm("reload")
        _until(lambda: self.log.count(RELOADED) > before, "Dovecot does not reload")
        time.sleep(0.5)

    def write_accounts(self, extra: str = "") -> None:
        owner = pwd.getpwnam("nobody")
        lines = []
        for address, password in self.passwords.items():
            home = self.folder / "mail" / address
            fields = "nologin reason=disabled" if address == CAROL else ""
            if address == ALIAS:
                fields = f"user={ANNA}"
            ids = f"{owner.pw_uid}:{owner.pw_gid}"
            lines.append(f"{address}:{{PLAIN}}{password}:{ids}::{home}::{fields}")
        (self.folder / "users").write_text("\n".join(lines) + "\n" + extra)
        (self.folder / "masters").write_text(f"{MASTER}:{{PLAIN}}{MASTERS_PASSWORD}\n")


@contextmanager
def her_dovecot(folder: Path, kind: type[HerDovecot] = HerDovecot) -> Iterator[HerDovecot]:
    """Start it in a folder with a short name that everybody may enter."""
    names = (ANNA, BERT, CAROL, CHECK)
    passwords = {name: f"the password of {name.split('@')[0]}" for name in names}
    passwords[ALIAS] = passwords[ANNA]
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    server = kind(folder, ports, passwords)
    for name in ("run", "state", "mail", "conf.d", "tmpfiles.d", "sidegate"):
        (folder / name).mkdir()
    shutil.chown(folder / "mail", "nobody")
    server.write_accounts()
    make_certificate(folder)
    relay = Controller(Sink(), hostname="127.0.0.1", port=free_ports(1)[0])
    server.file.write_text(server.configuration.format(folder=folder, relay=relay.port, **ports))
    relay.start()
    process = subprocess.Popen([server.program("dovecot"), "-F", "-c", server.file])
    try:
        _until((folder / "run" / "master.pid").exists, "Dovecot does not start")
        yield server
    finally:
        process.terminate()
        process.wait(PATIENCE)
        relay.stop()
        print(server.log)  # noqa: T201 - pytest shows it where a test fails


def _until(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
