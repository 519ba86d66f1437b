"""Where an operator's own Dovecot keeps its accounts: in SQL, in LDAP, with the system (PAM)."""

from __future__ import annotations

import pwd
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from child import PATIENCE, free_ports
from connect.her_dovecot import ALIAS, ANNA, QUOTA, HerDovecot
from connect.her_dovecot_24 import HerDovecot24, InDebian
from debian import USERS
from peers import require

NOBODY = pwd.getpwnam("nobody")

# SQL ----------------------------------------------------------------------------------------

_PASSWORD = "SELECT owner AS user, password, nologin, reason FROM login WHERE login ="
_HOME = (
    f"SELECT owner AS user, home, {NOBODY.pw_uid} AS uid, {NOBODY.pw_gid} AS gid, "  # noqa: S608 - her own query
    "'{limit}' AS {quota} FROM login WHERE login ="
)


class Sql23(HerDovecot):
    """Accounts in SQLite."""

    accounts = """
passdb {
  driver = sql
  args = $folder/sql.conf
}
userdb {
  driver = sql
  args = $folder/sql.conf
}
"""

    def write_accounts(self) -> None:
        home = _HOME.format(limit=f"*:storage={QUOTA}M", quota="quota_rule")
        (self.folder / "sql.conf").write_text(
            f"driver = sqlite\nconnect = {self.folder}/users.sqlite\n"
            f"default_pass_scheme = PLAIN\n"
            f"password_query = {_PASSWORD} '%u'\nuser_query = {home} '%u'\n"
        )
        write_tables(self)


class Sql24(HerDovecot24):
    """Accounts in SQLite."""

    accounts = f"""
sql_driver = sqlite
sqlite_path = $folder/users.sqlite
passdb sql {{
  default_password_scheme = PLAIN
  query = {_PASSWORD} '%{{user}}'
}}
userdb sql {{
  query = {_HOME.format(limit=f"{QUOTA}M", quota="quota_storage_size")} '%{{user}}'
}}
"""

    def write_accounts(self) -> None:
        write_tables(self)


def write_tables(server: HerDovecot) -> None:
    with closing(sqlite3.connect(server.folder / "users.sqlite")) as tables:
        tables.executescript(
            "CREATE TABLE IF NOT EXISTS login (login, owner, password, home, nologin, reason);"
            "DELETE FROM login;"
        )
        for address, password in server.passwords.items():
            owner = ANNA if address == ALIAS else address
            off = ("y", "disabled") if address in server.disabled else (None, None)
            row = (address, owner, password, f"{server.folder}/mail/{owner}", *off)
            tables.execute("INSERT INTO login VALUES (?,?,?,?,?,?)", row)
        tables.commit()


# LDAP ---------------------------------------------------------------------------------------

_ADMIN = "cn=admin,dc=example,dc=test"
_SECRET = "secretly"
_SLAPD = f"""\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "dc=example,dc=test"
rootdn "{_ADMIN}"
rootpw "{_SECRET}"
directory FOLDER/ldap/data
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""


class Ldap(InDebian):
    """Accounts in an LDAP directory of its own: slapd, from the same root."""

    _port = 0
    _slapd: subprocess.Popen[bytes] | None = None

    @contextmanager
    def beside(self) -> Iterator[None]:
        with super().beside():
            self._port = free_ports(1)[0]
            (self.folder / "ldap").mkdir()
            text = _SLAPD.replace("FOLDER", str(self.folder))
            (self.folder / "ldap" / "slapd.conf").write_text(text)
            try:
                yield
            finally:
                self._stop()

    @contextmanager
    def saying_nothing(self) -> Iterator[None]:
        self._stop()
        try:
            yield
        finally:
            self._start()

    def write_accounts(self) -> None:
        """Make the directory anew."""
        self._stop()
        data = self.folder / "ldap" / "data"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        (self.folder / "ldap" / "people.ldif").write_text("\n".join(self._entries()))
        conf = self.folder / "ldap" / "slapd.conf"
        command: list[str | Path] = [
            self.program("slapadd"),
            "-f",
            conf,
            "-l",
            conf.with_name("people.ldif"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self._start()

    def _entries(self) -> Iterator[str]:
        yield "dn: dc=example,dc=test\nobjectClass: dcObject\nobjectClass: organization\no: e\n"
        for address, password in self.passwords.items():
            if address == ALIAS:
                continue
            name, off = address.split("@")[0], address in self.disabled
            # Locked in LDAP itself, and by nothing else to be seen, where it is not shown.
            kept = "!" if off and not self.shows_disabled else password
            yield f"dn: cn={name},dc=example,dc=test\nobjectClass: inetOrgPerson\nsn: {name}"
            yield f"mail: {address}\nuid: {address}\nuserPassword: {kept}"
            if address == ANNA:
                yield f"uid: {ALIAS}"
            yield "employeeType: disabled\n" if off and self.shows_disabled else ""

    def _start(self) -> None:
        conf = self.folder / "ldap" / "slapd.conf"
        url = f"ldap://127.0.0.1:{self._port}"
        # With -d it stays in front.
        command: list[str | Path] = [self.program("slapd"), "-d", "0", "-f", conf, "-h", url]
        self._slapd = subprocess.Popen(command)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, "slapd does not start"
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _stop(self) -> None:
        slapd, self._slapd = self._slapd, None
        if slapd is not None:
            slapd.terminate()
            slapd.wait(PATIENCE)

    @property
    def given(self) -> dict[str, object]:
        return {**super().given, "port": self._port}


class Ldap23(Ldap):
    """Dovecot looks passwords up in LDAP."""

    accounts = """
passdb {
  driver = ldap
  args = $folder/ldap.conf
}
userdb {
  driver = ldap
  args = $folder/ldap.conf
}
"""
    passwords_by = """\
pass_attrs = mail=user,userPassword=password,employeeType=nologin,employeeType=reason
pass_filter = (uid=%u)
default_pass_scheme = PLAIN
"""

    def write_accounts(self) -> None:
        super().write_accounts()
        user = f"=uid={NOBODY.pw_uid},=gid={NOBODY.pw_gid},=quota_rule=*:storage={QUOTA}M"
        (self.folder / "ldap.conf").write_text(
            f"uris = ldap://127.0.0.1:{self._port}\ndn = {_ADMIN}\ndnpass = {_SECRET}\n"
            f"base = dc=example,dc=test\n{self.passwords_by}"
            f"user_filter = (uid=%u)\n"
            f"user_attrs = mail=user,{user},=home={self.folder}/mail/%{{ldap:mail}}\n"
        )


class LdapBind23(Ldap23):
    """Dovecot signs in to LDAP with the password that it was given (`auth_bind`)."""

    shows_disabled = says_disabled = False
    passwords_by = "auth_bind = yes\npass_attrs = mail=user\npass_filter = (uid=%u)\n"


_LDAP_24 = f"""
ldap_uris = ldap://127.0.0.1:$port
ldap_auth_dn = {_ADMIN}
ldap_auth_dn_password = {_SECRET}
ldap_base = dc=example,dc=test
userdb ldap {{
  filter = (uid=%{{user}})
  fields {{
    user = %{{ldap:mail}}
    uid = {NOBODY.pw_uid}
    gid = {NOBODY.pw_gid}
    home = $folder/mail/%{{ldap:mail}}
    quota_storage_size = {QUOTA}M
  }}
}}
"""


class Ldap24(Ldap, HerDovecot24):
    """Dovecot 2.4 looks passwords up in LDAP, and does not find who is disabled."""

    says_disabled = False

    accounts = f"""{_LDAP_24}
passdb ldap {{
  default_password_scheme = PLAIN
  filter = (&(uid=%{{user}})(!(employeeType=disabled)))
  fields {{
    user = %{{ldap:mail}}
    password = %{{ldap:userPassword}}
  }}
}}
"""


class LdapBind24(Ldap, HerDovecot24):
    """Dovecot 2.4 signs in to LDAP with the password that it was given."""

    shows_disabled = says_disabled = False
    accounts = f"""{_LDAP_24}
passdb ldap {{
  bind = yes
  filter = (uid=%{{user}})
  fields {{
    user = %{{ldap:mail}}
  }}
}}
"""


# PAM ----------------------------------------------------------------------------------------


class Pam(InDebian):
    """Accounts are users of the system: PAM judges (pam_unix, by Debian's own pam.d/dovecot).

    They are users in the root alone, for this server: nothing is added to this machine.
    """

    shows_disabled = says_disabled = shows_passwords = False

    @property
    def seen(self) -> Mapping[str, Path]:
        own = {f"/etc/{name}": self.folder / name for name in ("passwd", "shadow")}
        return {**USERS, **own}

    def write_accounts(self) -> None:
        """Users as `useradd --badname` makes them; those disabled as `passwd --lock` does."""
        self.passwords.pop(ALIAS, None)  # a user of the system has one name
        users, shadow = USERS["/etc/passwd"].read_text(), ""
        for address, password in self.passwords.items():
            home = self.folder / "mail" / address
            lock = "!" if address in self.disabled else ""
            users += f"{address}:x:{NOBODY.pw_uid}:{NOBODY.pw_gid}::{home}:/usr/sbin/nologin\n"
            shadow += f"{address}:{lock}{_crypted(password)}:19000:0:99999:7:::\n"
        (self.folder / "passwd").write_text(users)
        (self.folder / "shadow").write_text(shadow)
        (self.folder / "shadow").chmod(0o600)


def _crypted(password: str) -> str:
    command: list[str | Path] = [require("openssl"), "passwd", "-6", "-stdin"]
    done = subprocess.run(command, input=password, capture_output=True, text=True, check=True)
    return done.stdout.strip()


class Pam23(Pam):
    """Dovecot asks PAM, and the system where mailboxes lie."""

    accounts = f"""
passdb {{
  driver = pam
}}
userdb {{
  driver = passwd
  override_fields = quota_rule=*:storage={QUOTA}M
}}
"""


class Pam24(Pam, HerDovecot24):
    """Dovecot 2.4 asks PAM, and the system where mailboxes lie."""

    accounts = f"""
passdb pam {{
}}
userdb passwd {{
  fields {{
    quota_storage_size = {QUOTA}M
  }}
}}
"""
