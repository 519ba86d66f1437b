"""Her Dovecot with Sidegate, connected as the page says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from child import Child, running
from clients.desk import Desk, Person, desk_for
from clients.ways import LIBRARIES, Way, everywhere, let_in
from connect import pages
from connect.her_dovecot import HerDovecot, her_dovecot
from connect.her_dovecot_24 import her_dovecot_24
from connect.house import Reached, configure

EVERYTHING = {way.name for way in LIBRARIES}
HER = {"2.3": her_dovecot, "2.4": her_dovecot_24}
VERSIONS = ["2.3", pytest.param("2.4", marks=pytest.mark.long)]


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


def page(version: str) -> list[pages.Block]:
    """The blocks of the page; for 2.4 a file of its own takes the place of the one it names."""
    blocks = pages.blocks("dovecot", "The lines")
    if version == "2.3":
        return blocks
    own = {one.file: one for one in pages.blocks("dovecot", f"The lines for {version}")}
    return [own.get(one.file, one) if one.file else one for one in blocks]


def connect_all(dovecot: HerDovecot, data: Path) -> None:
    """All lines of the page in their order, before Sidegate starts."""
    for block in lines(dovecot):
        if block.language == "toml":
            configure(data, pages.settings(block))
        else:
            pages.obey(block)


@contextmanager
def connected(folder: Path, version: str = "2.3") -> Iterator[House]:
    """Her Dovecot and Sidegate, connected."""
    with HER[version](folder) as dovecot:
        data = folder / "data"
        connect_all(dovecot, data)
        with running(data) as child, desk_for(data) as desk:
            yield House(dovecot, child, desk)
