"""Her Dovecot with Sidegate, connected as the page says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from child import Child, running
from clients.desk import Desk, Person, desk_for
from clients.ways import LIBRARIES, Way, everywhere, let_in
from connect import pages
from connect.her_accounts import (
    Ldap23,
    Ldap24,
    LdapBind23,
    LdapBind24,
    Pam23,
    Pam24,
    Sql23,
    Sql24,
)
from connect.her_dovecot import MASTER, HerDovecot, her_dovecot
from connect.her_dovecot_24 import HerDovecot24
from connect.house import Reached, configure

EVERYTHING = {way.name for way in LIBRARIES}
HER: dict[str, type[HerDovecot]] = {
    "2.3": HerDovecot,
    "2.3 SQL": Sql23,
    "2.3 LDAP": Ldap23,
    "2.3 LDAP bind": LdapBind23,
    "2.3 PAM": Pam23,
    "2.4": HerDovecot24,
    "2.4 SQL": Sql24,
    "2.4 LDAP": Ldap24,
    "2.4 LDAP bind": LdapBind24,
    "2.4 PAM": Pam24,
}
"""Her Dovecot, by its version and where it keeps its accounts; without a word in a passwd-file."""


def kinds(*names: str) -> list[ParameterSet]:
    """Parameters of tests: all but the first are long."""
    marks = {name: [pytest.mark.long] if name != "2.3" else [] for name in names}
    return [pytest.param(name, marks=marks[name]) for name in names]


VERSIONS = kinds("2.3", "2.4")


@dataclass
class House:
    """Her Dovecot, and the Sidegate beside it."""

    dovecot: HerDovecot
    child: Child
    desk: Desk

    @property
    def mail(self) -> Reached:
        """What mail programs reach."""
        ports = {**self.child.ports, **self.dovecot.ports}
        return Reached(self.child.data, ports, self.child.process, [], self.dovecot.authority)

    def enters(self, login: str, password: str, ways: tuple[Way, ...] = LIBRARIES) -> set[str]:
        """The ways by which this login and secret come in."""
        return let_in(everywhere(self.mail, login, password, ways))

    def person(self, address: str) -> Person:
        """Somebody of her directory who has signed in once: before, she has no account here."""
        password = self.dovecot.passwords[address]
        if self.child.command("account", "show", address, check=False).returncode:
            assert self.enters(address, password, LIBRARIES[:1])
        return Person(self.desk, address, password)


def lines(dovecot: HerDovecot) -> list[pages.Block]:
    """The blocks of the page, for this Dovecot."""
    return [one.placed(dovecot.places()) for one in page(dovecot.version)]


def page(version: str, name: str = "dovecot") -> list[pages.Block]:
    """The blocks of a page; for 2.4 a file of its own takes the place of the one it names."""
    blocks = pages.blocks(name, "The lines")
    if version == "2.3":
        return blocks
    own = {one.file: one for one in pages.blocks(name, f"The lines for {version}")}
    return [own.get(one.file, one) if one.file else one for one in blocks]


def connect_all(dovecot: HerDovecot, data: Path) -> None:
    """All lines of the page in their order, before Sidegate starts."""
    for block in lines(dovecot):
        if block.language == "toml":
            given = pages.settings(block)
            given["directory"]["masters"] = [MASTER]
            configure(data, given)
        else:
            pages.obey(block)


@contextmanager
def connected(folder: Path, kind: str = "2.3") -> Iterator[House]:
    """Her Dovecot and Sidegate, connected."""
    with her_dovecot(folder, HER[kind]) as dovecot:
        data = folder / "data"
        connect_all(dovecot, data)
        with running(data) as child, desk_for(data) as desk:
            yield House(dovecot, child, desk)
