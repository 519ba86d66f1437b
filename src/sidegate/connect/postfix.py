"""The lines for an operator's own Postfix: submission with `smtpd_sasl_type = dovecot`."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidegate.config import Endpoint, TcpEndpoint, UnixEndpoint
from sidegate.connect.lines import Block, Plan, folders
from sidegate.connect.places import Sidegate, group_of

_SEARCH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_PATIENCE = 20
QUEUE = Path("/var/spool/postfix")
OLDEST = (3, 4)
_MAIN = Path("/etc/postfix/main.cf")
KEYS = ("smtpd_sasl_type", "smtpd_sasl_path")
THROTTLE = "service_throttle_time"
"""An smtpd that starts while Sidegate restarts gives up; the next one comes after this time."""
_THROTTLED = "5s"


class PostconfFailed(Exception):  # noqa: N818 - what happened, by its name
    """Why `postconf` cannot tell, in one line."""


@dataclass(frozen=True, slots=True)
class SmtpdService:
    """A line of master.cf where people may sign in, or mail arrives."""

    name: str
    kind: str
    chroot: bool
    overrides: dict[str, str]
    """What its `-o` options change."""

    @property
    def key(self) -> str:
        """As `postconf -P` calls it."""
        return f"{self.name}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Postfix:
    """A Postfix: found on this machine, or an ordinary one."""

    version: tuple[int, ...] = (3, 7)
    queue: Path = QUEUE
    owner: str = "postfix"
    here: dict[str, str] | None = None
    """What main.cf itself sets; `None` where it was not looked at."""
    effective: dict[str, str] | None = None
    services: tuple[SmtpdService, ...] = ()
    folder: Path | None = None
    """Its configuration folder, where that is not the ordinary one."""

    def command(self, program: str) -> str:
        """How a program of Postfix's is called for this instance."""
        return f"{program} -c {self.folder}" if self.folder else program

    def value(self, service: SmtpdService, key: str) -> str:
        """A setting as one service has it."""
        return service.overrides.get(key, (self.effective or {}).get(key, ""))

    def signing_in(self) -> tuple[SmtpdService, ...]:
        """The services that let people sign in."""
        return tuple(
            one for one in self.services if self.value(one, "smtpd_sasl_auth_enable") == "yes"
        )


def read(folder: Path | None = None) -> Postfix | None:
    """The Postfix of this machine; `None` where there is none. Raises `PostconfFailed`."""
    program = shutil.which("postconf", path=_SEARCH)
    # Debian leaves a Postfix that nobody has configured without main.cf.
    if program is None or (folder is None and not _MAIN.exists()):
        return None
    command = [program, *(["-c", str(folder)] if folder else [])]
    wanted = (
        "mail_version",
        "queue_directory",
        "mail_owner",
        "smtpd_sasl_auth_enable",
        "smtpd_tls_wrappermode",
        *KEYS,
    )
    effective = _pairs(_run([*command, *wanted]))
    return Postfix(
        version=tuple(int(part) for part in effective["mail_version"].split(".")[:2]),
        queue=Path(effective["queue_directory"]),
        owner=effective["mail_owner"],
        here=_pairs(_run([*command, "-n"])),
        effective=effective,
        services=tuple(_services(_run([*command, "-M"]), _run([*command, "-P"]))),
        folder=folder,
    )


def _services(master: str, overridden: str) -> Iterator[SmtpdService]:
    overrides: dict[str, dict[str, str]] = {}
    for name, value in _pairs(overridden).items():
        service, _, key = name.rpartition("/")
        overrides.setdefault(service, {})[key] = value
    for line in master.splitlines():
        words = line.split()
        # name, type, private, unprivileged, chroot, wake up, processes, command
        if len(words) >= 8 and words[1] in ("inet", "pass") and words[7] == "smtpd":  # noqa: PLR2004
            key = f"{words[0]}/{words[1]}"
            yield SmtpdService(words[0], words[1], words[4] == "y", overrides.get(key, {}))


def _pairs(text: str) -> dict[str, str]:
    rows = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in rows}


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - found in the system's own folders
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PostconfFailed(f"{command[0]} does not answer: {error}") from error
    if done.returncode:
        first = next(iter(done.stderr.strip().splitlines()), f"exit status {done.returncode}")
        raise PostconfFailed(first)
    return done.stdout


# The plan ----------------------------------------------------------------------------------


def client_endpoint(postfix: Postfix, sidegate: Sidegate, wanted: Endpoint | None) -> Endpoint:
    """Where smtpd asks: asked for, configured inside its queue, or proposed there."""
    if wanted is not None:
        return wanted
    path = sidegate.below(postfix.queue) or postfix.queue / "sidegate" / "auth-client"
    return UnixEndpoint(path)


def named(postfix: Postfix, endpoint: Endpoint) -> str:
    """The endpoint as Postfix names it; relative to the queue it is found in a chroot too."""
    if isinstance(endpoint, TcpEndpoint):
        return f"inet:{endpoint}"
    path = endpoint.path
    return str(path.relative_to(postfix.queue) if path.is_relative_to(postfix.queue) else path)


def plan(postfix: Postfix, sidegate: Sidegate, wanted: Endpoint | None = None) -> Plan:
    """Everything for this Postfix."""
    endpoint = client_endpoint(postfix, sidegate, wanted)
    blocks: list[Block] = []
    if isinstance(endpoint, UnixEndpoint):
        row = f"d {endpoint.path.parent} 2750 {sidegate.user} {group_of(postfix.owner)} -"
        blocks += folders("sidegate-postfix", (row,))
    listens = Block(
        "Sidegate listens there: set this, then restart Sidegate",
        "set",
        (
            "[listen]",
            sidegate.client_line(endpoint, private=sidegate.config.mailserver.private),
        ),
        str(sidegate.config.file),
    )
    ask = Block("Postfix asks Sidegate", "run", tuple(_changes(postfix, named(postfix, endpoint))))
    return Plan(
        "postfix",
        (*blocks, listens, ask),
        _undo(postfix, endpoint),
        notes=tuple(_notes(postfix)),
        around=tuple(around(postfix, endpoint, planned=True)),
    )


def _changes(postfix: Postfix, path: str) -> Iterator[str]:
    values = {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": path}
    postconf = postfix.command("postconf")
    of_all = {**values, THROTTLE: _THROTTLED}
    main = " ".join(shlex.quote(f"{key} = {value}") for key, value in of_all.items())
    yield f"{postconf} -e {main}"
    for service in postfix.services:
        for key, value in values.items():
            if key in service.overrides:
                yield f"{postconf} -P {shlex.quote(f'{service.key}/{key} = {value}')}"
    yield f"{postfix.command('postfix')} reload"


def _undo(postfix: Postfix, endpoint: Endpoint) -> tuple[Block, ...]:
    """Back to what is there now; where that is Sidegate already, to Postfix's defaults."""
    postconf, ours = postfix.command("postconf"), named(postfix, endpoint)
    here = postfix.here or {}
    known = here.get("smtpd_sasl_path") != ours
    lines = [
        f"{postconf} -e {shlex.quote(f'{key} = {here[key]}')}"
        if known and key in here
        else f"{postconf} -X {key}"
        for key in (*KEYS, THROTTLE)
    ]
    for service in postfix.services:
        if service.overrides.get("smtpd_sasl_path") != ours:
            lines += [
                f"{postconf} -P {shlex.quote(f'{service.key}/{key} = {service.overrides[key]}')}"
                for key in KEYS
                if key in service.overrides
            ]
    lines.append(f"{postfix.command('postfix')} reload")
    if isinstance(endpoint, UnixEndpoint):
        lines.append("rm -f /etc/tmpfiles.d/sidegate-postfix.conf")
    title = (
        "Back to what this Postfix has now"
        if postfix.here is not None
        else "Back to the defaults (where your main.cf sets these now, put that back instead)"
    )
    return (Block(title, "run", tuple(lines)),)


def _notes(postfix: Postfix) -> Iterator[str]:
    if postfix.here is None:
        yield "For an ordinary Postfix. On its own machine, this looks at main.cf and master.cf."
    else:
        version = ".".join(str(part) for part in postfix.version)
        names = ", ".join(one.key for one in postfix.signing_in()) or "none yet"
        yield f"For Postfix {version} of this machine. Services that let people sign in: {names}."
        if postfix.version < OLDEST:
            yield f"Postfix {version} is older than any that Sidegate was tried with (3.7)."
    yield (
        "Keep smtpd_sasl_auth_enable = yes and smtpd_tls_auth_only = yes where people submit mail,"
        " and off on port 25."
    )


def around(postfix: Postfix, endpoint: Endpoint, *, planned: bool = False) -> Iterator[str]:
    """Each service where people sign in without Sidegate: as it is, or as it is planned."""
    if planned:
        return
    for service in postfix.signing_in():
        kind, path = (postfix.value(service, key) for key in KEYS)
        if kind != "dovecot" or path != named(postfix, endpoint):
            yield f"{service.key} in master.cf asks {kind} at {path}, not Sidegate"
