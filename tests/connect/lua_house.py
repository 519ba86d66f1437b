"""Her Dovecot that keeps its own auth and asks Sidegate by its Lua passdb."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from child import running
from clients.desk import desk_for
from connect import pages
from connect.connected import House
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
def asking_by_lua(*, directory: bool) -> Iterator[House]:
    """The page's lines, obeyed; `directory`: this Dovecot judges account passwords too."""
    if not _MODULE.exists():
        missing("Dovecot's Lua module is missing (apt-get install dovecot-auth-lua)")
    with open_folder() as folder, her_dovecot(folder) as dovecot:
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
    conf = str(house.dovecot.file)
    told = house.child.command("connect", "lua", "--conf", conf, "--json").stdout
    return [
        pages.Block(
            one["file"],
            {"write": "conf", "run": "sh"}[one["how"]],
            "".join(f"{line}\n" for line in one["lines"]),
        )
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
    start, end = text.index("passdb {"), text.index("service imap-login")
    (dovecot.folder / "conf.d" / _AUTH).write_text(text[start:end] + _SOCKETS)
    dovecot.file.write_text(text[:start] + text[end:])
    dovecot.reload()
