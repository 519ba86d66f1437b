"""The lines for an operator's own Dovecot, 2.3 and 2.4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sidegate.config import UnixEndpoint
from sidegate.connect import observe
from sidegate.connect.doveconf import SIEVE_SCRIPT, Installation, Listener, Service
from sidegate.connect.lines import Block, Plan, folders
from sidegate.connect.places import RUN, Sidegate, group_of

FOLDER = Path("/etc/dovecot")
ASKED = "98-sidegate-directory.conf"
ENFORCED = "99-sidegate.conf"
TOLD = "97-sidegate-doveadm.conf"
OLDEST = (2, 3, 0)
_MASTER_SETTING_SINCE = (2, 4, 2)
_CHROOT = "login"
_SIEVE = "sieve"
_LIBEXEC = "/usr/lib/dovecot"


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A Dovecot to connect: found on this machine, or an ordinary one of a version."""

    found: Installation
    file: Path | None = None
    """Its configuration, where that is not the ordinary one."""
    looked: bool = True
    """Whether it was looked at; otherwise its services are the ordinary ones."""

    @property
    def is_24(self) -> bool:
        """Its configuration is that of 2.4."""
        return self.found.version >= (2, 4, 0)

    @property
    def folder(self) -> Path:
        """Where its configuration lies."""
        return self.file.parent if self.file else FOLDER

    def command(self, program: str) -> str:
        """How a program of Dovecot's is called for this instance."""
        return f"{program} -c {self.file}" if self.file else program


def ordinary(version: tuple[int, int, int]) -> Installation:
    """An ordinary installation of a version: IMAP, POP3 and submission, chrooted."""
    ports = {"imap": (143, 993), "pop3": (110, 995), "submission": (587, 465)}
    return Installation(
        version=version,
        base=Path("/run/dovecot"),
        login_user="dovenull",
        settings={},
        logins=tuple(
            Service(
                f"{name}-login",
                name,
                (f"{name}-login",),
                _CHROOT,
                "dovenull",
                (Listener("*", plain, tls=False), Listener("*", tls, tls=True)),
            )
            for name, (plain, tls) in ports.items()
        ),
        sessions=tuple(Service(name, name, (name,), "", "") for name in ports),
        asked_directly=(),
    )


def client_socket(dovecot: Dovecot, sidegate: Sidegate, wanted: Path | None = None) -> Path:
    """Where the sign-in processes ask: inside their chroot."""
    login = dovecot.found.base / _CHROOT
    return wanted or sidegate.below(login) or login / "sidegate" / "auth-client"


def plan(dovecot: Dovecot, sidegate: Sidegate, wanted: Path | None = None) -> Plan:
    """Everything for this Dovecot; `wanted` is the client socket that was asked for."""
    client = client_socket(dovecot, sidegate, wanted)
    made, make = folders("sidegate-dovecot", tuple(_folders(dovecot, sidegate, client)))
    reloaded, config = _reloaded(dovecot), sidegate.config
    asked, ours = _asked(dovecot, sidegate), _ours(dovecot, sidegate, client)
    enforced = Block(
        "Enforce: every sign-in service asks Sidegate from the reload on",
        "write",
        tuple(_enforced(dovecot, sidegate, client)),
        str(dovecot.folder / "conf.d" / ENFORCED),
    )
    return Plan(
        "dovecot",
        (
            made,
            make,
            asked,
            reloaded,
            ours,
            *observe.blocks(config, dovecot.folder, is_24=dovecot.is_24, reload=reloaded),
            observe.enforcing(config),
            *_sieve(dovecot, sidegate),
            enforced,
            reloaded,
        ),
        _undo(dovecot),
        notes=tuple(_notes(dovecot, sidegate)),
        around=tuple(around(dovecot, sidegate, client, planned=True)),
    )


# What is added -----------------------------------------------------------------------------


def _folders(dovecot: Dovecot, sidegate: Sidegate, client: Path) -> Iterator[str]:
    base, group = dovecot.found.base, group_of(dovecot.found.login_user)
    login = base / _CHROOT
    if client.is_relative_to(login):
        yield f"d {base} 0755 root root -"
        yield f"d {login} 0750 root {group} -"
    # Its group goes to the socket in it (2), so that the sign-in processes may connect.
    yield f"d {client.parent} 2750 {sidegate.user} {group} -"
    if sidegate.master.parent == RUN:
        yield f"d {RUN} 0755 {sidegate.user} root -"


def _asked(dovecot: Dovecot, sidegate: Sidegate) -> Block:
    owner = "" if sidegate.user == "root" else f"    user = {sidegate.user}\n"
    lines = ["service auth {"]
    for name in ("sidegate-client", "sidegate-userdb"):
        lines += [f"  unix_listener {name} {{", "    mode = 0600"]
        lines += owner.splitlines()
        lines.append("  }")
    lines.append("}")
    return Block(
        "Where Sidegate asks your Dovecot: passwords, and mailboxes",
        "write",
        tuple(lines),
        str(dovecot.folder / "conf.d" / ASKED),
    )


def _ours(dovecot: Dovecot, sidegate: Sidegate, client: Path) -> Block:
    base = dovecot.found.base
    return Block(
        "Sidegate asks your Dovecot: set these, then restart Sidegate",
        "set",
        (
            "[listen]",
            sidegate.client_line(UnixEndpoint(client), private=False),
            f'dovecot_master = "unix:{sidegate.master}"',
            "",
            "[mailserver]",
            "private = false",
            "",
            "[directory]",
            'source = "dovecot"',
            f'auth = "unix:{base / "sidegate-client"}"',
            f'userdb = "unix:{base / "sidegate-userdb"}"',
        ),
        str(sidegate.config.file),
    )


def _enforced(dovecot: Dovecot, sidegate: Sidegate, client: Path) -> Iterator[str]:
    yield "imap_id_retain = yes"
    yield observe.REPORTING_OFF
    if dovecot.is_24:
        yield f"login_socket_path = {_named(dovecot.found, client, _CHROOT)}"
    else:
        for service in dovecot.found.logins:
            # What was behind the program's name was its old socket, and goes.
            named = _named(dovecot.found, client, service.chroot)
            yield from _service(service, f"{service.command[0]} {named}")
    for service in dovecot.found.sessions:
        if dovecot.found.version >= _MASTER_SETTING_SINCE:
            yield f"protocol {service.protocol} {{"
            yield f"  auth_master_socket_path = {sidegate.master}"
            yield "}"
        else:
            words = _session_words(dovecot, service, sidegate.master)
            yield from _service(service, " ".join(words))


def _service(service: Service, command: str) -> Iterator[str]:
    yield f"service {service.name} {{"
    yield f"  executable = {command}"
    yield "}"


def _session_words(dovecot: Dovecot, service: Service, master: Path) -> list[str]:
    """`imap -a SOCKET`, with what else stood there: a script after the sign-in, for one."""
    words = list(service.command)
    if service.protocol == _SIEVE:
        return [str(dovecot.folder / SIEVE_SCRIPT), *words[1:]]
    if "-a" in words:
        at = words.index("-a")
        del words[at : at + 2]
    return [words[0], "-a", str(master), *words[1:]]


def _sieve(dovecot: Dovecot, sidegate: Sidegate) -> Iterator[Block]:
    """ManageSieve asks at `auth-master` in the folder where it starts, and takes no other."""
    if not _needs_script(dovecot):
        return
    file = dovecot.folder / SIEVE_SCRIPT
    program = Path(dovecot.found.settings.get("libexec_dir") or _LIBEXEC) / "managesieve"
    lines = ("#!/bin/sh", f'cd {sidegate.master.parent} && exec {program} "$@"')
    yield Block(
        "ManageSieve takes no option for the socket: it starts there", "write", lines, str(file)
    )
    yield Block("Make it a program", "run", (f"chmod 755 {file}",))


def _needs_script(dovecot: Dovecot) -> bool:
    new = dovecot.found.version >= _MASTER_SETTING_SINCE
    return not new and any(one.protocol == _SIEVE for one in dovecot.found.sessions)


def _named(found: Installation, client: Path, chroot: str) -> Path:
    """The socket as a process in that chroot finds it."""
    if not chroot:
        return client
    inside = found.base / chroot
    return client.relative_to(inside) if client.is_relative_to(inside) else client


def _reloaded(dovecot: Dovecot) -> Block:
    test, reload = dovecot.command("doveconf"), dovecot.command("doveadm")
    return Block(
        "Test the configuration, and reload", "run", (f"{test} >/dev/null && {reload} reload",)
    )


def _undo(dovecot: Dovecot) -> tuple[Block, ...]:
    conf = dovecot.folder / "conf.d"
    removed = [str(conf / name) for name in (ENFORCED, ASKED, TOLD)]
    removed += [str(dovecot.folder / SIEVE_SCRIPT)] * _needs_script(dovecot)
    reload = f"{dovecot.command('doveadm')} reload"
    return (
        Block(
            "Your Dovecot decides alone again, as before",
            "run",
            (f"rm -f {conf / ENFORCED} && {reload}",),
        ),
        Block(
            "Remove the rest, once nothing uses Sidegate any more",
            "run",
            (
                f"rm -f {' '.join(removed)} /etc/tmpfiles.d/sidegate-dovecot.conf",
                f"rm -f {conf / observe.OBSERVED} {dovecot.folder / observe.TOKEN}",
                reload,
            ),
        ),
    )


def _notes(dovecot: Dovecot, sidegate: Sidegate) -> Iterator[str]:
    major, minor, patch = dovecot.found.version
    version = f"{major}.{minor}.{patch}"
    if not dovecot.looked:
        yield (
            f"For an ordinary Dovecot {major}.{minor} with IMAP, POP3 and submission. On its own "
            "machine, run this there without --version: it looks for every sign-in service."
        )
    elif dovecot.found.version < OLDEST:
        yield f"Dovecot {version} is too old: Sidegate needs 2.3 or newer."
    else:
        names = ", ".join(one.name for one in dovecot.found.logins) or "none"
        yield f"For Dovecot {version} of this machine. Its sign-in services: {names}."
    if sidegate.user != "root":
        group = group_of(dovecot.found.login_user)
        yield f"Sidegate runs as {sidegate.user}, who has to enter {group}'s folder:"
        yield f"  usermod -aG {group} {sidegate.user}"
        yield "It may not end your Dovecot's sessions either: see Open connections in the page"
        yield "  docs/operators/dovecot.md, so that a revocation ends them."
    yield from observe.already(dovecot.found.settings, sidegate.config)
    yield "CRAM-MD5, SCRAM and GSSAPI are not offered while Sidegate is asked: only PLAIN, LOGIN."


# What goes around --------------------------------------------------------------------------


def around(
    dovecot: Dovecot, sidegate: Sidegate, client: Path, *, planned: bool = False
) -> Iterator[str]:
    """Each way to sign in that does not ask Sidegate: as it is, or as it is planned."""
    found = dovecot.found
    for service in found.logins:
        inside = found.base / service.chroot
        if service.chroot and not client.is_relative_to(inside):
            yield f"service {service.name} is chrooted to {inside}, and {client} is not in there"
        elif not planned and not _asks(dovecot, service, client):
            yield f"service {service.name} does not ask Sidegate: {_ports(service)}"
    if not planned:
        for service in found.sessions:
            if not _serves(dovecot, service, sidegate.master):
                yield (
                    f"service {service.name} does not ask {sidegate.master}: "
                    "whoever signs in there gets no mailbox"
                )
    for listener in found.asked_directly:
        yield (
            f"other programs ask this Dovecot at {listener} (service auth): where that is Postfix "
            "or Exim, let it ask Sidegate, then close the listener (mode = 0, or port = 0)"
        )


def _asks(dovecot: Dovecot, service: Service, client: Path) -> bool:
    named = str(_named(dovecot.found, client, service.chroot))
    if dovecot.is_24:
        return dovecot.found.settings.get("login_socket_path") == named
    return named in service.command[1:]


def _serves(dovecot: Dovecot, service: Service, master: Path) -> bool:
    if dovecot.found.version >= _MASTER_SETTING_SINCE:
        return True  # a setting of each protocol, which only a sign-in proves
    if service.protocol == _SIEVE:
        return service.command[0] == str(dovecot.folder / SIEVE_SCRIPT)
    return str(master) in service.command


def _ports(service: Service) -> str:
    return "port " + ", ".join(str(one.port) for one in service.listeners)
