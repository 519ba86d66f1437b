"""Her Dovecot that keeps its own auth and asks Sidegate by its Lua passdb."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from child import running
from clients.desk import desk_for
from connect import pages
from connect.connected import HER, House
from connect.her_dovecot import HerDovecot, her_dovecot
from connect.house import configure, open_folder
from peers import missing

_MODULE = Path("/usr/lib/dovecot/modules/auth/libauthdb_lua.so")
_AUTH = "10-auth.conf"
_SOCKETS = """\
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener sidegate-client {
    mode = 0600
  }
  unix_listener sidegate-userdb {
    mode = 0600
  }
}
"""


@contextmanager
def asking_by_lua(*, directory: bool, version: str = "2.3") -> Iterator[House]:
    """The page's lines, obeyed; `directory`: this Dovecot judges account passwords too."""
    if version == "2.3" and not _MODULE.exists():
        missing("Dovecot's Lua module is missing (apt-get install dovecot-auth-lua)")
    with open_folder() as folder, her_dovecot(folder, HER[version]) as dovecot:
        _as_debian_has_it(dovecot)
        data = folder / "data"
        configure(data, _settings(dovecot, directory=directory))
        with running(data) as child, desk_for(data) as desk:
            house = House(dovecot, child, desk)
            for block in printed(house):
                pages.obey(block)
            dovecot.reload()
            if not directory:
                for address, password in dovecot.passwords.items():
                    child.add_account(address, password)
            yield house


def printed(house: House, part: str = "blocks") -> list[pages.Block]:
    """What `sidegate connect lua` prints for this Dovecot."""
    dovecot = house.dovecot
    command = ("connect", "lua", "--conf", str(dovecot.file), "--json")
    told = house.child.command(*command, through=dovecot.on_its_machine).stdout
    programs = {f"{name} -c": f"{dovecot.program(name)} -c" for name in ("doveconf", "doveadm")}
    return [
        pages.Block(
            one["file"],
            {"write": "conf", "run": "sh"}[one["how"]],
            "".join(f"{line}\n" for line in one["lines"]),
        ).placed(programs)
        for one in json.loads(told)[part]
    ]


def _settings(dovecot: HerDovecot, *, directory: bool) -> dict[str, dict[str, object]]:
    given: dict[str, dict[str, object]] = {"mailserver": {"private": False}}
    if directory:
        run = dovecot.folder / "run"
        given["directory"] = {
            "source": "dovecot",
            "auth": f"unix:{run}/sidegate-client",
            "userdb": f"unix:{run}/sidegate-userdb",
        }
    return given


def _as_debian_has_it(dovecot: HerDovecot) -> None:
    """Passdbs and userdbs in a file of conf.d, read in its turn."""
    text = dovecot.file.read_text()
    start, end = text.index("passdb "), text.index("service imap-login")
    (dovecot.folder / "conf.d" / _AUTH).write_text(text[start:end] + _SOCKETS)
    dovecot.file.write_text(text[:start] + text[end:])
    dovecot.reload()
