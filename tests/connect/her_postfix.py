"""An operator's own Postfix: chrooted smtpd on a port of its own, TLS, mail to nowhere."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from child import PATIENCE, free_ports
from peers import require

_MAIN = """\
compatibility_level = 3.7
queue_directory = {folder}/spool
data_directory = {folder}/postfix-data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {folder}
maillog_file = {folder}/postfix.log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.test
mydestination =
default_transport = discard
local_transport = discard
alias_maps =
alias_database =
smtpd_tls_cert_file = {folder}/certificate.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""
_MASTER = """\
127.0.0.1:{port} inet n - y - - smtpd
    -o smtpd_sasl_auth_enable=yes
    -o syslog_name=submission
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
discard unix - - n - - discard
error unix - - n - - error
"""


@dataclass
class HerPostfix:
    """A running Postfix."""

    folder: Path
    port: int

    @property
    def conf(self) -> Path:
        return self.folder / "postfix"

    @property
    def queue(self) -> Path:
        return self.folder / "spool"

    @property
    def log(self) -> str:
        file = self.folder / "postfix.log"
        return file.read_text() if file.exists() else ""

    def places(self) -> dict[str, str]:
        """Where the things of an ordinary installation are in this one."""
        return {
            "/etc/tmpfiles.d": f"{self.folder}/tmpfiles.d",  # noqa: S108 - a name
            "/var/spool/postfix": str(self.queue),
            "postconf": f"postconf -c {self.conf}",
            "postfix reload": f"postfix -c {self.conf} reload",
            "unix:run/auth-client.sock": f"unix:{self.folder}/kept",
        }

    def value(self, key: str) -> str:
        command: list[str | Path] = [require("postconf"), "-c", self.conf, "-h", key]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def set(self, key: str, value: str) -> None:
        subprocess.run([require("postconf"), "-c", self.conf, "-e", f"{key} = {value}"], check=True)

    def postfix(self, command: str) -> None:
        # Its master goes on with our pipes: nothing is to be read from them.
        subprocess.run(
            [require("postfix"), "-c", self.conf, command],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
        )


@contextmanager
def her_postfix(folder: Path) -> Iterator[HerPostfix]:
    """Start it in a folder that holds a certificate already."""
    require("postfix")
    server = HerPostfix(folder, free_ports(1)[0])
    for path in (server.conf, server.queue, folder / "postfix-data"):
        path.mkdir()
    shutil.chown(folder / "postfix-data", "postfix")
    (server.conf / "main.cf").write_text(_MAIN.format(folder=folder))
    (server.conf / "master.cf").write_text(_MASTER.format(port=server.port))
    server.postfix("start")
    try:
        _until_it_logs(server)
        yield server
    finally:
        server.postfix("stop")
        print(server.log)  # noqa: T201 - pytest shows it where a test fails


def _until_it_logs(server: HerPostfix) -> None:
    deadline = time.monotonic() + PATIENCE
    while "daemon started" not in server.log:
        assert time.monotonic() < deadline, "Postfix does not start"
        time.sleep(0.05)
