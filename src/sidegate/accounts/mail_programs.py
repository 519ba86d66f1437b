"""The mail programs that use an account's password, as its owner would count them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sidegate.accounts import sightings
from sidegate.accounts.app_password_choices import PROFILES
from sidegate.decisions.grace import without_version
from sidegate.decisions.throttle import DAY, UNKNOWN_NETWORK
from sidegate.decisions.words import Protocol
from sidegate.storage.mail_models import Sighting
from sidegate.storage.sightings import Credential

LATELY = 30 * DAY
"""Milliseconds within which a program counts as in use."""

_PROTOCOLS: frozenset[str] = frozenset(Protocol)
_DEVICES = (
    ("iphone", "iphone"),
    ("ipad", "ipad"),
    ("mac os", "mac"),
    ("macos", "mac"),
    ("android", "android"),
    ("k-9", "android"),
    ("fairemail", "android"),
    ("windows", "windows"),
    ("scan", "printer"),
    ("print", "printer"),
)


class Use(NamedTuple):
    """One protocol that a program used from one network."""

    protocol: str
    network: str
    program: str
    """Its own name there; empty where it gave none."""


class MailProgram(NamedTuple):
    """A mail program: what it reads and what it sends is one."""

    key: str
    """Names it in a form; the same as long as it is in use."""
    name: str
    """What it calls itself; empty where it does not."""
    uses: tuple[Use, ...]
    last_at: int
    last_address: str

    @property
    def protocols(self) -> tuple[str, ...]:
        """Its protocols, in their usual order."""
        return in_order(use.protocol for use in self.uses)

    @property
    def may_go_on(self) -> bool:
        """Whether a grace window could tell it from anybody: not where no address is known."""
        return any(use.network != UNKNOWN_NETWORK for use in self.uses)

    @property
    def other_networks(self) -> int:
        """Networks that it was seen in besides the last one."""
        return len({use.network for use in self.uses}) - 1


def lately(account_id: int, *, now: int) -> list[MailProgram]:
    """The programs that used the account password within `LATELY`, the newest first.

    Who says its name is one program wherever it is: a phone comes from many networks.
    Who does not is one program for each network. Submission has no names: it belongs to
    every program of its network, and is a program alone where there is none.
    """
    seen = [
        row
        for row in sightings.of(account_id, since=now - LATELY)
        if row.credential == Credential.ACCOUNT_PASSWORD and row.protocol in _PROTOCOLS
    ]
    sending = [row for row in seen if row.protocol == Protocol.SUBMISSION and not row.program]
    groups: dict[str, list[Sighting]] = {}
    for row in seen:
        if row not in sending:
            groups.setdefault(_who(row), []).append(row)
    reading = {row.network for rows in groups.values() for row in rows}
    for row in sending:
        if row.network not in reading:
            groups.setdefault(_who(row), []).append(row)
    programs = [_program(rows, sending) for rows in groups.values()]
    return sorted(programs, key=lambda program: -program.last_at)


def device_of(program: MailProgram) -> str:
    """The kind of device (a key of `app_passwords.DEVICES`) that a program's name tells of.

    What does more than such a device may do is none, whatever it calls itself.
    """
    name = program.name.casefold()
    device = next((device for mark, device in _DEVICES if mark in name), "other")
    return device if {*program.protocols} <= PROFILES.get(device, _PROTOCOLS) else "other"


def in_order(protocols: Iterable[str]) -> tuple[str, ...]:
    """Each once, as they usually stand."""
    used = set(protocols)
    return tuple(protocol.value for protocol in Protocol if protocol in used)


def _who(row: Sighting) -> str:
    return without_version(row.program) or f"\0{row.network}"


def _program(own: list[Sighting], sending: list[Sighting]) -> MailProgram:
    """One program; `own` is what only it can have done, the newest first."""
    networks = {row.network for row in own}
    rows = own + [row for row in sending if row.network in networks and row not in own]
    last = max(rows, key=lambda row: row.last_at)
    return MailProgram(
        key=str(min(row.pk for row in own)),
        name=own[0].program,
        uses=tuple(sorted({Use(row.protocol, row.network, row.program) for row in rows})),
        last_at=last.last_at,
        last_address="" if last.network == UNKNOWN_NETWORK else last.last_address,
    )
