"""What an operator's Dovecot is configured to do, as `doveconf` tells it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_SEARCH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_PATIENCE = 20
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_SETTINGS = (
    "auth_policy_server_url",
    "auth_cache_size",
    "auth_mechanisms",
    "base_dir",
    "default_login_user",
    "imap_id_retain",
    "libexec_dir",
    "login_socket_path",
    "protocols",
)


SIEVE_SCRIPT = "sidegate-managesieve"
"""Our start of `managesieve`, which has no option for the socket that it asks at."""
_SESSIONS = ("imap", "pop3", "submission", "managesieve", SIEVE_SCRIPT)


class DoveconfFailed(Exception):  # noqa: N818 - what happened, by its name
    """Why `doveconf` cannot tell, in one line."""


@dataclass(slots=True)
class Section:
    """One block of the configuration: its settings, and the blocks in it."""

    kind: str
    name: str
    settings: dict[str, str] = field(default_factory=dict)
    sections: list[Section] = field(default_factory=list)

    def get(self, key: str) -> str:
        """A setting; empty where it has none."""
        return self.settings.get(key, "")


@dataclass(frozen=True, slots=True)
class Listener:
    """A port on which people sign in."""

    host: str
    port: int
    tls: bool
    haproxy: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """A service of the server: what it runs, and where it listens."""

    name: str
    protocol: str
    command: tuple[str, ...]
    chroot: str
    user: str
    listeners: tuple[Listener, ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """One Dovecot."""

    version: tuple[int, int, int]
    base: Path
    login_user: str
    settings: dict[str, str]
    logins: tuple[Service, ...]
    """The sign-in services that listen somewhere."""
    sessions: tuple[Service, ...]
    """What serves a mailbox once somebody is in."""
    asked_directly: tuple[str, ...]
    """Sockets on which other programs ask this Dovecot about passwords: Postfix, Exim."""
    passdbs: tuple[Section, ...] = ()
    """What judges passwords, in its order."""


def read(file: Path | None = None) -> Installation | None:
    """The Dovecot of this machine; `None` where there is none. Raises `DoveconfFailed`."""
    program = shutil.which("doveconf", path=_SEARCH)
    if program is None:
        return None
    command = [program, *(["-c", str(file)] if file else [])]
    version = _version(program)
    # Dovecot 2.3 has no login_socket_path and 2.4 might lose another: asked one by one.
    settings = {key: value(parse(_run([*command, key], may_fail=True)), key) for key in _SETTINGS}
    services = parse(_run([*command, "service"])).sections
    passdbs = parse(_run([*command, "passdb"])).sections
    return installation(version, settings, services, passdbs)


def installation(
    version: tuple[int, int, int],
    settings: dict[str, str],
    services: Sequence[Section],
    passdbs: Sequence[Section] = (),
) -> Installation:
    """Sort out who signs people in, who serves them, and who else asks."""
    enabled = set(settings["protocols"].split())
    found = [_service(one, settings) for one in services if _on(one.get("protocol"), enabled)]
    base = settings["base_dir"] or "/run/dovecot"
    asked = (
        f"{inner.kind} {inner.name}"
        for one in services
        if one.name == "auth"
        for inner in one.sections
        if _asks_passwords(inner)
    )
    return Installation(
        version=version,
        base=Path(base),
        login_user=settings["default_login_user"] or "dovenull",
        settings=settings,
        logins=tuple(one for one in found if _program(one).endswith("-login") and one.listeners),
        sessions=tuple(one for one in found if one.protocol and _program(one) in _SESSIONS),
        asked_directly=tuple(asked),
        passdbs=tuple(passdbs),
    )


def hands_on(passdb: Section) -> bool:
    """Whether a passdb has somebody else judge passwords, and so cannot show who is locked there.

    That is PAM, or LDAP with `auth_bind` (2.3: in a file of its own) or `bind` (2.4).
    """
    driver = passdb.get("driver") or passdb.name
    if driver != "ldap":
        return driver == "pam"
    if not passdb.get("args"):
        return "yes" in (passdb.get("bind"), passdb.get("passdb_ldap_bind"))
    try:
        text = Path(passdb.get("args")).read_text(errors="replace")
    except OSError:
        return False
    return parse(text).get("auth_bind") == "yes"


def _on(protocol: str, enabled: set[str]) -> bool:
    return not protocol or protocol in enabled


def _program(service: Service) -> str:
    return Path(service.command[0]).name if service.command else ""


def _service(section: Section, settings: dict[str, str]) -> Service:
    user = section.get("user").replace("$SET:", "$").removeprefix("$")
    return Service(
        name=section.name,
        protocol=section.get("protocol"),
        command=tuple(section.get("executable").split()),
        chroot=section.get("chroot"),
        user=settings.get(user, user),
        listeners=tuple(_listeners(section)),
    )


def _listeners(section: Section) -> Iterator[Listener]:
    for inner in section.sections:
        port = inner.get("port")
        if inner.kind != "inet_listener" or not port.isdigit() or port == "0":
            continue
        hosts = (inner.get("address") or inner.get("listen")).replace(",", " ").split() or ["*"]
        for host in hosts:
            yield Listener(
                host,
                int(port),
                tls=inner.get("ssl") == "yes",
                haproxy=inner.get("haproxy") == "yes",
            )


OURS = "sidegate"
"""Sockets with this in their name are those by which Sidegate asks."""

_OWN_SOCKETS = frozenset({"auth-client", "auth-login", "login/login", "token-login/tokenlogin"})
_OTHER_KINDS = ("userdb", "master", "worker", "token", "tokenlogin", "penalty")


def _asks_passwords(listener: Section) -> bool:
    """Whether passwords may be asked there by others than Dovecot itself."""
    if listener.kind == "inet_listener":
        return listener.get("port") not in ("", "0")
    if listener.kind != "unix_listener" or listener.get("mode") in ("0", "00", "0000"):
        return False
    if listener.name in _OWN_SOCKETS or OURS in listener.name:
        # Widened for somebody else, the ordinary socket is such a way too.
        return listener.name == "auth-client" and listener.get("mode") not in ("0600", "600")
    return listener.name.rsplit("-", 1)[-1] not in _OTHER_KINDS


def parse(text: str) -> Section:
    """Parse what doveconf prints: `key = value`, and blocks `kind name {` to `}`."""
    root = Section("", "")
    stack = [root]
    for raw in text.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line == "}":
            if len(stack) > 1:
                stack.pop()
        elif line.endswith("{"):
            kind, _, name = line[:-1].strip().partition(" ")
            inner = Section(kind, name.strip().strip('"'))
            stack[-1].sections.append(inner)
            stack.append(inner)
        else:
            key, _, value = line.partition("=")
            stack[-1].settings[key.strip()] = value.strip().strip('"')
    return root


def value(printed: Section, key: str) -> str:
    """One setting; of a list in 2.4's form (`name = yes` in a block), the names."""
    inner = next((one for one in printed.sections if one.kind == key), None)
    if inner is None:
        return printed.get(key)
    return " ".join(name for name, on in inner.settings.items() if on == "yes")


def parse_version(text: str) -> tuple[int, int, int]:
    """The version that a server tells of itself. Raises `DoveconfFailed`."""
    found = _VERSION.search(text)
    if found is None:
        raise DoveconfFailed(f"no version in {text.strip()[:60]!r}")
    return int(found[1]), int(found[2]), int(found[3] or 0)


def _version(doveconf: str) -> tuple[int, int, int]:
    dovecot = shutil.which("dovecot", path=_SEARCH)
    # `dovecot --version` says what runs; doveconf's header says which it was written for.
    return parse_version(_run([dovecot, "--version"] if dovecot else [doveconf, "-n"]))


def _run(command: Sequence[str], *, may_fail: bool = False) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - found in the system's own folders
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DoveconfFailed(f"{command[0]} does not answer: {error}") from error
    if done.returncode and not may_fail:
        first = next(iter(done.stderr.strip().splitlines()), f"exit status {done.returncode}")
        raise DoveconfFailed(f"{' '.join(command)}: {first}")
    return done.stdout if not done.returncode else ""
