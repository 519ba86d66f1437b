"""An operator's own Dovecot 2.4, as in `her_dovecot`: that of Debian 13, in a root of its own.

The root shares the network, the users and the process numbers with this machine, and the server's
folder lies at the same path in both: so sockets are reached from either side. What is started in it
has its own mounts, which are gone with it. Only root can do that.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connect.her_dovecot import HerDovecot, her_dovecot
from debian import debian_root

PARTS = ("core", "imapd", "pop3d", "submissiond", "lmtpd", "sqlite", "ldap", "auth-lua")
_SYSTEM = {"doveconf": "/usr/bin/doveconf", "dovecot": "/usr/sbin/dovecot"}

_ENTER = """\
#!/bin/sh
# {program} of the Dovecot in {root}
set -eu
if [ "${{1-}}" != inside ]; then exec unshare --mount -- "$0" inside "$@"; fi
shift
mkdir -p {root}{folder}
mount --bind {folder} {root}{folder}
mount --bind /etc/passwd {root}/etc/passwd
mount --bind /etc/group {root}/etc/group
exec chroot {root} {program} "$@"
"""

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
passdb passwd-file {{
  default_password_scheme = PLAIN
  passwd_file_path = {folder}/users
}}
userdb passwd-file {{
  passwd_file_path = {folder}/users
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


class HerDovecot24(HerDovecot):
    """A running Dovecot 2.4 with accounts of its own."""

    version = "2.4"
    configuration = CONFIGURATION

    def program(self, name: str) -> Path:
        """A script that runs it in the root."""
        file = self.folder / "bin" / name
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            file.write_text(_ENTER.format(root=root_24(), folder=self.folder, program=name))
            file.chmod(0o755)
        return file

    def on_its_machine(self, command: list[str]) -> list[str]:
        """The command, to be run where this is the machine's Dovecot."""
        mounts = [f"mount --bind {self.program(name)} {path}" for name, path in _SYSTEM.items()]
        line = " && ".join([*mounts, f"exec {shlex.join(command)}"])
        return ["unshare", "--mount", "--", "sh", "-c", line]


def root_24() -> Path:
    """Debian 13 with its Dovecot; skips the test where it cannot be had."""
    if os.geteuid() != 0:
        pytest.skip("a root of Debian 13 needs root")
    return debian_root("trixie", [f"dovecot-{part}" for part in PARTS])


@contextmanager
def her_dovecot_24(folder: Path) -> Iterator[HerDovecot]:
    """Start it in a folder with a short name that everybody may enter."""
    inside = Path(f"{root_24()}{folder}")
    with her_dovecot(folder, HerDovecot24) as server:
        yield server
    inside.rmdir()
