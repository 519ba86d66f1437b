"""A Dovecot that judges passwords by itself and knows a master user, as nginx's upstream."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from child import PATIENCE, as_user, free_ports
from clients.nginx import until_open
from peers import require

_NAMES = ("imap", "pop3", "submission")
GATE = "gate"
GATE_PASSWORD = "the gate's % own password"

_CONFIGURATION = """
base_dir = {base}
state_dir = {base}
log_path = {log}
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
protocols = imap pop3 submission
auth_mechanisms = plain login
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  args = {base}/masters
  master = yes
}}
passdb {{
  driver = passwd-file
  args = {base}/people
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={base}/%u
}}
mail_location = maildir:~/Maildir
ssl = no
disable_plaintext_auth = {plaintext}
haproxy_trusted_networks = 127.0.0.1
login_trusted_networks = {trusted}
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
service anvil {{
  chroot =
}}
service auth {{
  user = {user}
}}
service auth-worker {{
  user = {user}
}}
service old-stats {{
  chroot =
}}
{logins}
"""
_LOGIN = """
service {name}-login {{
  chroot =
  inet_listener {name} {{
    address = 127.0.0.1
    port = {port}
    haproxy = {haproxy}
  }}
  inet_listener {name}s {{
    port = 0
  }}
}}
"""


class OwnDovecot:
    """Where it listens, and what it logs."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.folder = folder
        self.ports = ports

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def upstream(self) -> str:
        """The section of sidegate.toml that leads nginx, or a front, here."""
        servers = "".join(f'{name} = "127.0.0.1:{port}"\n' for name, port in self.ports.items())
        return f'[upstream]\n{servers}user = "{{account}}*{GATE}"\npassword = "{GATE_PASSWORD}"\n'


@contextmanager
def own_dovecot(
    people: dict[str, str],
    *,
    haproxy: bool = False,
    trusted: str = "",
    relay: int = 25,
    ports: dict[str, int] | None = None,
) -> Iterator[OwnDovecot]:
    """Run it with these passwords; who comes from `trusted` may name the client's address."""
    program = require("dovecot")
    folder = Path(tempfile.mkdtemp(prefix="sg-own-", dir="/tmp"))
    own = OwnDovecot(folder, ports or dict(zip(_NAMES, free_ports(len(_NAMES)), strict=True)))
    try:
        _write(own, people, haproxy=haproxy, trusted=trusted, relay=relay)
        process = subprocess.Popen([program, "-F", "-c", folder / "conf"], **_as_somebody())
        try:
            for port in own.ports.values():
                until_open(process, port)
            yield own
        finally:
            process.terminate()
            process.wait(PATIENCE)
    finally:
        shutil.rmtree(folder)


def _somebody() -> pwd.struct_passwd:
    return pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")


def _as_somebody() -> dict[str, Any]:
    return {} if os.geteuid() else as_user(_somebody().pw_name)


def _write(
    own: OwnDovecot, people: dict[str, str], *, haproxy: bool, trusted: str, relay: int
) -> None:
    user, folder = _somebody(), own.folder
    logins = "".join(
        _LOGIN.format(name=name, port=port, haproxy="yes" if haproxy else "no")
        for name, port in own.ports.items()
    )
    lines = [f"{name}:{{PLAIN}}{password}::::::\n" for name, password in people.items()]
    (folder / "people").write_text("".join(lines))
    (folder / "masters").write_text(f"{GATE}:{{PLAIN}}{GATE_PASSWORD}::::::\n")
    (folder / "conf").write_text(
        _CONFIGURATION.format(
            base=folder,
            trusted=trusted,
            relay=relay,
            log=folder / "log",
            user=user.pw_name,
            group=grp.getgrgid(user.pw_gid).gr_name,
            uid=user.pw_uid,
            gid=user.pw_gid,
            logins=logins,
            plaintext="no" if haproxy else "yes",
        )
    )
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, user.pw_uid, user.pw_gid)
