"""The lines for an operator's Dovecot that keeps its own auth: `passdb lua`, 2.3.19 and 2.4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sidegate.config import TcpEndpoint
from sidegate.connect.doveconf import Installation, Section
from sidegate.connect.dovecot import Dovecot
from sidegate.connect.lines import Block, Plan
from sidegate.connect.lua_script import script
from sidegate.connect.places import Sidegate

OLDEST = (2, 3, 19)
FIRST = "05-sidegate-lua.conf"
LAST = "99-sidegate-lua.conf"
_SCRIPT = "sidegate.lua"
_TOKEN = "sidegate-token"  # noqa: S105 - a file's name
_GO_ON = "sidegate-go-on"
_WORKERS = 150


@dataclass(frozen=True, slots=True)
class Lua:
    """A Dovecot, and the files by which it asks."""

    dovecot: Dovecot
    sidegate: Sidegate

    @property
    def door(self) -> TcpEndpoint | None:
        """Where it asks; `None` where that is no port: Dovecot's Lua asks at nothing else."""
        door = self.sidegate.config.endpoint(self.sidegate.config.listen.http)
        return door if isinstance(door, TcpEndpoint) else None

    @property
    def from_directory(self) -> bool:
        """It is the directory of account passwords too."""
        return not self.sidegate.config.has_own_passwords

    def file(self, name: str) -> Path:
        """One of our files beside its configuration."""
        return self.dovecot.folder / name

    @property
    def token_file(self) -> Path:
        """Where it reads the token of the HTTP door."""
        return self.file(_TOKEN)

    @property
    def script_file(self) -> Path:
        """The script that it runs."""
        return self.file(_SCRIPT)

    def script(self) -> str:
        """The script, as it would be printed now."""
        return script(
            door=self.door or TcpEndpoint("127.0.0.1", 2026),
            token_file=str(self.token_file),
            from_directory=self.from_directory,
            is_24=self.dovecot.is_24,
        )

    def script_is_current(self) -> bool:
        """Whether that is what lies there; a file that cannot be read may be."""
        try:
            return self.script_file.read_text(encoding="utf-8").strip() == self.script().strip()
        except OSError:
            return False


def plan(lua: Lua) -> Plan:
    """Everything for this Dovecot."""
    conf = lua.dovecot.folder / "conf.d"
    go_on = ("go-on:::::::noauthenticate",)
    return Plan(
        "lua",
        (
            Block("The script", "write", tuple(lua.script().splitlines()), str(lua.script_file)),
            Block("What may go on to your passdb", "write", go_on, str(lua.file(_GO_ON))),
            Block("The token, in a file for Dovecot alone", "run", _token(lua)),
            Block(
                "Before your own passdbs: Sidegate, then what ends a refusal",
                "write",
                tuple(_passdbs(lua)),
                str(conf / FIRST),
            ),
            Block(
                "After everything else: what would go around it",
                "write",
                tuple(_settings(lua)),
                str(conf / LAST),
            ),
            _reloaded(lua),
        ),
        (_undo(lua, conf),),
        notes=tuple(_notes(lua)),
    )


def _token(lua: Lua) -> tuple[str, ...]:
    file = lua.token_file
    return (
        f"install -m 640 -g dovecot /dev/null {file}",
        f"cat {lua.sidegate.config.keys_folder / 'http-token'} >{file}",
    )


def _passdbs(lua: Lua) -> Iterator[str]:
    script_file, go_on = lua.script_file, lua.file(_GO_ON)
    if lua.dovecot.is_24:
        yield from ("passdb sidegate {", "  driver = lua", f"  lua_file = {script_file}")
        yield from ("  use_worker = yes", "  mechanisms_filter = plain login")
    else:
        yield from ("passdb {", "  driver = lua", f"  args = file={script_file} blocking=yes")
        yield "  mechanisms = PLAIN LOGIN"
    yield from _ENDS
    if lua.dovecot.is_24:
        yield from ("passdb sidegate-verdict {", "  driver = passwd-file")
        yield f"  passwd_file_path = {go_on}"
        yield "  auth_username_format = %{passdb:sidegate}"
        yield "  mechanisms_filter = plain login"
    else:
        yield from ("passdb {", "  driver = passwd-file")
        yield f"  args = username_format=%{{passdb:sidegate}} {go_on}"
        yield "  mechanisms = PLAIN LOGIN"
    yield from _ENDS


_ENDS = ("  result_failure = return-fail", "  result_internalfail = return-fail", "}")


def _settings(lua: Lua) -> Iterator[str]:
    yield "auth_mechanisms = plain login"
    yield "auth_cache_size = 0"
    yield "imap_id_retain = yes"
    if lua.dovecot.is_24:
        yield from ("service auth-worker {", f"  process_limit = {_WORKERS}", "}")
    else:
        yield f"auth_worker_max_count = {_WORKERS}"


def _reloaded(lua: Lua) -> Block:
    test, reload = lua.dovecot.command("doveconf"), lua.dovecot.command("doveadm")
    return Block(
        "Test the configuration, and reload", "run", (f"{test} >/dev/null && {reload} reload",)
    )


def _undo(lua: Lua, conf: Path) -> Block:
    files = [conf / FIRST, conf / LAST, *map(lua.file, (_SCRIPT, _GO_ON, _TOKEN))]
    first, *rest = (" ".join(map(str, part)) for part in (files[:2], files[2:]))
    reload = f"{lua.dovecot.command('doveadm')} reload"
    return Block(
        "Your Dovecot decides alone again, as before",
        "run",
        (f"rm -f {first} && {reload}", f"rm -f {' '.join(rest)}"),
    )


def _notes(lua: Lua) -> Iterator[str]:
    version = ".".join(str(part) for part in lua.dovecot.found.version)
    if too_old(lua.dovecot.found):
        yield f"Dovecot {version} is too old: its Lua asks nobody before 2.3.19."
    yield "For Dovecot 2.3.19 and newer, and 2.4, with its Lua module (Debian: dovecot-auth-lua)."
    if lua.door is None:
        yield "Set [listen] http to a port on loopback: Dovecot's Lua asks at no Unix socket."
    if lua.from_directory:
        yield "This Dovecot is Sidegate's directory: your passdb goes on judging account passwords."
    else:
        yield "Sidegate keeps the accounts: your own passdbs are not asked any more."


def too_old(found: Installation) -> bool:
    """Whether its Lua has no HTTP client."""
    return (0, 0, 1) <= found.version < OLDEST


# What goes around --------------------------------------------------------------------------


def around(lua: Lua) -> Iterator[str]:
    """What of its configuration keeps Sidegate from being asked, or its refusals from holding."""
    settings = lua.dovecot.found.settings
    others = {one.lower() for one in settings.get("auth_mechanisms", "").split()}
    if others - {"plain", "login"}:
        yield f"auth_mechanisms = {settings['auth_mechanisms']}: only plain and login ask Sidegate"
    if settings.get("auth_cache_size", "") not in ("", "0"):
        yield "auth_cache_size is not 0: a revoked app password would go on opening mail"
    yield from _passdb_trouble(lua, lua.dovecot.found.passdbs)


def _passdb_trouble(lua: Lua, passdbs: tuple[Section, ...]) -> Iterator[str]:
    judges = [one for one in passdbs if one.get("master") != "yes" and one.get("deny") != "yes"]
    ours = [at for at, one in enumerate(judges) if _is_script(lua, one)]
    if not ours:
        yield f"no passdb runs {lua.script_file}"
        return
    for one in judges[: ours[0]]:
        yield f"passdb {one.get('driver') or one.name} is asked before Sidegate, and decides alone"
    verdict = judges[ours[0] + 1 : ours[0] + 2]
    if not verdict or not _is_verdict(lua, verdict[0]):
        yield (
            f"behind the script is no passdb with {lua.file(_GO_ON)}: "
            "whom Sidegate refuses, the next passdb may let in"
        )
    for one in (judges[ours[0]], *verdict):
        if one.get("result_failure") != "return-fail":
            yield "a passdb of Sidegate's is without result_failure = return-fail"
        if one.get("result_internalfail") != "return-fail":
            yield "a passdb of Sidegate's is without result_internalfail = return-fail"


def _is_script(lua: Lua, passdb: Section) -> bool:
    return str(lua.script_file) in f"{passdb.get('args')} {passdb.get('lua_file')}"


def _is_verdict(lua: Lua, passdb: Section) -> bool:
    named = f"{passdb.get('args')} {passdb.get('passwd_file_path')}"
    return str(lua.file(_GO_ON)) in named and passdb.get("driver") in ("passwd-file", "")
