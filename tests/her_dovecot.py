"""An operator's own Dovecot with accounts of its own: the directory that Sidegate asks."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from child import free_ports
from connect.her_dovecot_24 import mail_root
from debian import write_program
from peers import missing, require

Kind = Literal["passwd-file", "sql", "passwd-file on 2.4"]

_COMMON = """
base_dir = {base}
state_dir = {base}
log_path = {folder}/log
auth_verbose = yes
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
protocols =
ssl = no
auth_mechanisms = plain login
auth_master_user_separator = *
service anvil {{
  chroot =
}}
service old-stats {{
  chroot =
}}
service auth {{
  unix_listener sidegate-client {{
    mode = 0666
  }}
  unix_listener sidegate-userdb {{
    mode = 0666
    user = {user}
  }}
  inet_listener sidegate {{
    address = 127.0.0.1
    port = {port}
  }}
}}
passdb {{
  driver = passwd-file
  args = {folder}/masters
  master = yes
  result_success = continue
}}
"""
_COMMON_24 = """
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = {base}
state_dir = {base}
log_path = {folder}/log
auth_verbose = yes
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
protocols =
ssl = no
auth_mechanisms = plain login
auth_master_user_separator = *
service anvil {{
  chroot =
}}
service auth {{
  unix_listener sidegate-client {{
    mode = 0666
  }}
  unix_listener sidegate-userdb {{
    mode = 0666
    user = {user}
  }}
  inet_listener sidegate {{
    listen = 127.0.0.1
    port = {port}
  }}
}}
passdb masters {{
  driver = passwd-file
  default_password_scheme = PLAIN
  passwd_file_path = {folder}/masters
  master = yes
  result_success = continue
}}
passdb passwd-file {{
  passwd_file_path = {folder}/users
}}
userdb passwd-file {{
  passwd_file_path = {folder}/users
}}
"""
_USERS = {
    "passwd-file": """
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
""",
    "sql": """
passdb {{
  driver = sql
  args = {folder}/sql.conf
}}
userdb {{
  driver = sql
  args = {folder}/sql.conf
}}
""",
}
_SQL = """
driver = sqlite
connect = {folder}/users.sqlite
default_pass_scheme = PLAIN
password_query = SELECT owner AS user, password, nologin, reason FROM login JOIN owner \
  ON name = owner WHERE login = '%u'
user_query = SELECT {uid} AS uid, {gid} AS gid, home, '*:storage=1G' AS quota_rule \
  FROM owner WHERE name = '%u'
"""


@dataclass(frozen=True)
class HerUser:
    """Somebody whom her Dovecot knows."""

    name: str
    password: str
    aliases: tuple[str, ...] = ()
    disabled: bool = False
    more: str = ""
    """Extra fields of a passwd-file."""


@dataclass
class HerDovecot:
    """One rootless Dovecot; only its authentication is asked."""

    folder: Path
    kind: Kind
    port: int
    users: list[HerUser] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def auth(self) -> Path:
        return self.folder / "base" / "sidegate-client"

    @property
    def userdb(self) -> Path:
        return self.folder / "base" / "sidegate-userdb"

    @property
    def toml(self) -> str:
        """The section that has Sidegate ask it."""
        return (
            "[mailserver]\nprivate = false\n\n"
            f'[directory]\nsource = "dovecot"\nauth = "unix:{self.auth}"\n'
            f'userdb = "unix:{self.userdb}"\n'
        )

    def set_users(self, *users: HerUser) -> None:
        """These and no others, from now on."""
        if self.users == list(users):
            return
        self.users = list(users)
        if self.kind == "sql":
            self._write_tables()
            return
        file = self.folder / "users"
        new = file.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in self._lines()))
        _give_away(new)
        # Dovecot looks at time and size alone, once a second.
        stamp = (file.stat().st_mtime if file.exists() else 0) + 2
        new.rename(file)
        os.utime(file, (max(stamp, time.time()),) * 2)
        if self._process is not None:
            time.sleep(1.5)

    def start(self) -> None:
        user = _ordinary_user()
        given = {
            "folder": self.folder,
            "base": self.folder / "base",
            "user": user.pw_name,
            "group": grp.getgrgid(user.pw_gid).gr_name,
            "uid": user.pw_uid,
            "gid": user.pw_gid,
            "port": self.port,
        }
        (self.folder / "base").mkdir(exist_ok=True)
        file = self.folder / "dovecot.conf"
        text = _COMMON_24 if self.is_24 else _COMMON + _USERS[self.kind]
        file.write_text(text.format(**given))
        (self.folder / "sql.conf").write_text(_SQL.format(**given))
        (self.folder / "masters").write_text("gate:{PLAIN}a master's secret\n")
        for path in (self.folder, *self.folder.rglob("*")):
            _give_away(path)
        root = os.geteuid() == 0 and not self.is_24
        self._process = subprocess.Popen(
            [self._program(), "-F", "-c", file],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=user.pw_uid if root else None,
            group=user.pw_gid if root else None,
            extra_groups=[] if root else None,
        )
        self._until_up()

    @property
    def is_24(self) -> bool:
        return self.kind.endswith("2.4")

    def _program(self) -> Path:
        if not self.is_24:
            return require("dovecot")
        file, user = self.folder / "bin" / "dovecot", f"{_ordinary_user().pw_name}:nogroup"
        write_program(file, mail_root("trixie"), "dovecot", folder=self.folder, user=user)
        return file

    def stop(self) -> None:
        """Gone, with all its processes and sockets."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def _until_up(self) -> None:
        for _ in range(200):
            try:
                with closing(socket.socket(socket.AF_UNIX)) as one:
                    one.connect(str(self.userdb))
                    return
            except OSError:
                time.sleep(0.02)
        raise AssertionError(self.log())

    def _lines(self) -> Iterator[str]:
        user = _ordinary_user()
        for one in self.users:
            home = f"{self.folder}/mail/{one.name}"
            rest = f"{{PLAIN}}{one.password}:{user.pw_uid}:{user.pw_gid}::{home}::"
            limit = "quota_storage_size=1G" if self.is_24 else "quota_rule=*:storage=1G"
            more = f"userdb_{limit} {one.more}".rstrip()
            off = " nologin reason=disabled" if one.disabled else ""
            yield f"{one.name}:{rest}{more}{off}"
            for alias in one.aliases:
                yield f"{alias}:{rest}user={one.name}{off}"

    def _write_tables(self) -> None:
        file = self.folder / "users.sqlite"
        with closing(sqlite3.connect(file)) as tables:
            tables.executescript(
                "CREATE TABLE IF NOT EXISTS login (login, owner);"
                "CREATE TABLE IF NOT EXISTS owner (name, password, home, nologin, reason);"
                "DELETE FROM login; DELETE FROM owner;"
            )
            for one in self.users:
                off = ("y", "disabled") if one.disabled else (None, None)
                home = f"{self.folder}/mail/{one.name}"
                tables.execute(
                    "INSERT INTO owner VALUES (?,?,?,?,?)", (one.name, one.password, home, *off)
                )
                for login in (one.name, *one.aliases):
                    tables.execute("INSERT INTO login VALUES (?,?)", (login, one.name))
            tables.commit()
        _give_away(file)


def _ordinary_user() -> pwd.struct_passwd:
    return pwd.getpwuid(os.geteuid()) if os.geteuid() else pwd.getpwnam("nobody")


def _give_away(path: Path) -> None:
    if os.geteuid() == 0:
        user = _ordinary_user()
        os.chown(path, user.pw_uid, user.pw_gid)


@contextmanager
def her_dovecot(kind: Kind, *users: HerUser) -> Iterator[HerDovecot]:
    """Started with these users; ended on leaving."""
    require("dovecot")
    if kind == "sql" and not Path("/usr/lib/dovecot/modules/auth/libdriver_sqlite.so").exists():
        missing("Dovecot's SQLite driver is missing (apt-get install dovecot-sqlite)")
    [port] = free_ports(1)
    folder = Path(tempfile.mkdtemp(prefix="her-", dir="/tmp"))
    folder.chmod(0o755)
    dovecot = HerDovecot(folder, kind, port)
    try:
        dovecot.set_users(*users)
        dovecot.start()
        yield dovecot
    finally:
        dovecot.stop()
        shutil.rmtree(folder)
        if dovecot.is_24:
            Path(f"{mail_root('trixie')}{folder}").rmdir()
