"""An operator's own Dovecot: started as root with its chroot, accounts of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from child import PATIENCE, free_ports
from connect.certificates import make_certificate
from peers import require

PORTS = ("imap", "imaps", "pop3", "pop3s", "submission", "submissions")
_NAMES = ("anna", "bert", "carol", "check", "dora", "emil")
ANNA, BERT, CAROL, CHECK, DORA, EMIL = (f"{name}@example.test" for name in _NAMES)
ALIAS = "a.person@example.test"
"""Another name of Anna's, by `user=`."""
QUOTA = 7
"""Megabytes: what her userdb gives everybody."""
RELOADED = "SIGHUP received - reloading configuration"
MASTER = "boss"
MASTERS_PASSWORD = "the password of the master"
OTHER_MASTER = "keeper"
"""Sidegate is not told of this one."""

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
{accounts}
mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
plugin {{
  quota = count:Mailbox
  quota_vsizes = yes
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

_PASSWD_FILE = """\
passdb {
  driver = passwd-file
  args = scheme=PLAIN $folder/users
}
userdb {
  driver = passwd-file
  args = $folder/users
}
"""


@dataclass
class HerDovecot:
    """A running Dovecot with accounts of its own."""

    folder: Path
    ports: dict[str, int]
    passwords: dict[str, str]
    disabled: set[str] = field(default_factory=lambda: {CAROL})

    version = "2.3"
    configuration = CONFIGURATION
    accounts = _PASSWD_FILE
    quota = f"quota_rule=*:storage={QUOTA}M"
    shows_disabled = True
    """Whether a look-up without a password tells who is disabled."""
    shows_passwords = True
    """Whether its passdb answers a look-up without a password at all (`PASS`)."""
    says_disabled = True
    """Whether somebody disabled is told so, behind the right password."""

    def program(self, name: str) -> Path:
        """One of Dovecot's own programs."""
        return require(name)

    def on_its_machine(self, command: list[str]) -> list[str]:
        """The command, to be run where this is the machine's Dovecot."""
        return command

    @property
    def given(self) -> dict[str, object]:
        """What `accounts` names."""
        return {"folder": self.folder}

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

    def write_accounts(self) -> None:
        """Write who there is, to be known from the next second on."""
        owner = pwd.getpwnam("nobody")
        lines = []
        for address, password in self.passwords.items():
            home = self.folder / "mail" / address
            fields = f"userdb_{self.quota}"
            if address in self.disabled:
                fields += " nologin reason=disabled"
            if address == ALIAS:
                fields += f" user={ANNA}"
            ids = f"{owner.pw_uid}:{owner.pw_gid}"
            lines.append(f"{address}:{{PLAIN}}{password}:{ids}::{home}::{fields}\n")
        (self.folder / "users").write_text("".join(lines))

    def disable(self, address: str) -> None:
        """Disable somebody, as her own tools would."""
        self.disabled.add(address)
        self.write_accounts()
        time.sleep(1.5)  # Dovecot looks at a file's time, once a second

    def remove(self, address: str) -> None:
        """Remove somebody, as her own tools would."""
        del self.passwords[address]
        self.write_accounts()
        time.sleep(1.5)  # as above

    @contextmanager
    def beside(self) -> Iterator[None]:
        """What runs beside it."""
        yield

    @contextmanager
    def saying_nothing(self) -> Iterator[None]:
        """Its directory, while that answers nobody."""
        process = self._auth_process()
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)

    def _auth_process(self) -> int:
        master = int((self.folder / "run" / "master.pid").read_text())
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                name, _, rest = status.read_text().partition("(")[2].rpartition(")")
                if name == "auth" and int(rest.split()[1]) == master:
                    return int(status.parent.name)
        raise AssertionError("no process judges passwords")


@contextmanager
def her_dovecot(folder: Path, kind: type[HerDovecot] = HerDovecot) -> Iterator[HerDovecot]:
    """Start it in a folder with a short name that everybody may enter."""
    names = (ANNA, BERT, CAROL, CHECK, DORA, EMIL)
    passwords = {name: f"the password of {name.split('@')[0]}" for name in names}
    passwords[ALIAS] = passwords[ANNA]
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    server = kind(folder, ports, passwords)
    for name in ("run", "state", "mail", "conf.d", "tmpfiles.d", "sidegate"):
        (folder / name).mkdir()
    shutil.chown(folder / "mail", "nobody")
    masters = f"{MASTER}:{{PLAIN}}{MASTERS_PASSWORD}\n{OTHER_MASTER}:{{PLAIN}}{MASTERS_PASSWORD}\n"
    (folder / "masters").write_text(masters)
    make_certificate(folder)
    relay = Controller(Sink(), hostname="127.0.0.1", port=free_ports(1)[0])
    with server.beside():
        server.write_accounts()
        accounts = Template(server.accounts).substitute(server.given)
        text = server.configuration.format(
            folder=folder, relay=relay.port, accounts=accounts, **ports
        )
        server.file.write_text(text)
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
