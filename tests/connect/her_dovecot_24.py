"""An operator's own Dovecot 2.4, as in `her_dovecot`: that of Debian 13, in a root of its own.

The root shares the network, the users and the process numbers with this machine, and the server's
folder lies at the same path in both: so sockets are reached from either side. Only root can do it.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from connect.her_dovecot import QUOTA, HerDovecot, her_dovecot
from debian import USERS, debian_root, write_program

PARTS = ("core", "imapd", "pop3d", "submissiond", "lmtpd", "sqlite", "ldap")
_SYSTEM = {"doveconf": "/usr/bin/doveconf", "dovecot": "/usr/sbin/dovecot"}

CONFIGURATION = """\
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_verbose = yes
listen = 127.0.0.1
protocols = imap pop3 submission lmtp
first_valid_uid = 1
mail_driver = maildir
mail_path = ~/Maildir
ssl_server_cert_file = {folder}/certificate.pem
ssl_server_key_file = {folder}/key.pem
auth_mechanisms = plain login
auth_master_user_separator = *
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
passdb masters {{
  driver = passwd-file
  default_password_scheme = PLAIN
  passwd_file_path = {folder}/masters
  master = yes
}}
{accounts}
mail_plugins = quota
protocol imap {{
  mail_plugins = quota imap_quota
}}
quota Mailbox {{
  driver = count
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service submission-login {{
  inet_listener submission {{
    port = {submission}
  }}
  inet_listener submissions {{
    port = {submissions}
    ssl = yes
  }}
}}
!include_try conf.d/*.conf
"""


_PASSWD_FILE = """\
passdb passwd-file {
  default_password_scheme = PLAIN
  passwd_file_path = $folder/users
}
userdb passwd-file {
  passwd_file_path = $folder/users
}
"""


class InDebian(HerDovecot):
    """A running Dovecot of another Debian, or of this one with more beside it."""

    release = "bookworm"

    @property
    def seen(self) -> Mapping[str, Path]:
        """Files of the root, and what is seen in their place."""
        return USERS

    def program(self, name: str) -> Path:
        """A script that runs it in the root."""
        file = self.folder / "bin" / name
        if not file.exists():
            root = mail_root(self.release)
            write_program(file, root, name, folder=self.folder, seen=self.seen)
        return file

    @contextmanager
    def beside(self) -> Iterator[None]:
        inside = Path(f"{mail_root(self.release)}{self.folder}")
        try:
            yield
        finally:
            with contextlib.suppress(FileNotFoundError):
                inside.rmdir()

    def on_its_machine(self, command: list[str]) -> list[str]:
        """The command, to be run where this is the machine's Dovecot."""
        mounts = [f"mount --bind {self.program(name)} {path}" for name, path in _SYSTEM.items()]
        line = " && ".join([*mounts, f"exec {shlex.join(command)}"])
        return ["unshare", "--mount", "--", "sh", "-c", line]


class HerDovecot24(InDebian):
    """A running Dovecot 2.4 with accounts of its own."""

    release = "trixie"
    version = "2.4"
    configuration = CONFIGURATION
    accounts = _PASSWD_FILE
    quota = f"quota_storage_size={QUOTA}M"


def mail_root(release: str) -> Path:
    """That Debian with its Dovecot and slapd; skips the test where it cannot be had."""
    parts = [*PARTS, *(["auth-lua"] if release == "trixie" else [])]
    packages = [*(f"dovecot-{part}" for part in parts), "slapd"]
    return debian_root(release, packages, name=f"{release}-mail")


@contextmanager
def her_dovecot_24(folder: Path) -> Iterator[HerDovecot]:
    """Start it in a folder with a short name that everybody may enter."""
    with her_dovecot(folder, HerDovecot24) as server:
        yield server
