"""An operator's own Dovecot, by the lines of its page, from the first to the undo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from child import running
from clients.desk import desk_for
from connect import pages
from connect.connected import EVERYTHING, House, lines
from connect.her_dovecot import ALIAS, ANNA, BERT, CAROL, her_dovecot
from connect.house import configure, open_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")


def test_the_page_from_its_first_line_to_the_undo() -> None:
    with open_folder() as folder, her_dovecot(folder) as dovecot:
        data = folder / "data"
        *first, sidegate, enforcing, reload = lines(dovecot)
        for block in first:
            pages.obey(block)
        configure(data, pages.settings(sidegate))
        with running(data) as child, desk_for(data) as desk:
            house = House(dovecot, child, desk)
            assert house.enters(ANNA, dovecot.passwords[ANNA]) == EVERYTHING
            assert child.command("account", "list", "--json").stdout.strip() == "[]"

            pages.obey(enforcing)
            pages.obey(reload)
            anna = house.person(ANNA)
            assert house.enters(ANNA, anna.password) == EVERYTHING
            anna.turn_on()
            key = anna.app_password()
            assert house.enters(ANNA, anna.password) == set()
            assert house.enters(ANNA, key.secret) == EVERYTHING

        # Sidegate is dead now, and its database with it.
        (data / "sidegate.sqlite3").unlink()
        undo = [one.placed(dovecot.places()) for one in pages.blocks("dovecot", "Undo")]
        pages.obey(undo[0])
        assert house.enters(ANNA, anna.password) == EVERYTHING
        assert house.enters(ANNA, "a wrong password") == set()
        pages.obey(undo[1])
        assert list((folder / "conf.d").iterdir()) == list((folder / "tmpfiles.d").iterdir()) == []
        assert house.enters(ANNA, anna.password) == EVERYTHING
