"""The lines by which Sidegate, as a user of its own, asks an operator's Dovecot."""

from __future__ import annotations

import os
import stat

import pytest

from child import running
from connect import pages
from connect.connected import HER, kinds
from connect.her_dovecot import her_dovecot
from connect.house import configure, open_folder

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")


@pytest.mark.parametrize("kind", kinds("2.3", "2.4"))
def test_the_lines_of_the_page_and_the_check_it_names(kind: str) -> None:
    with open_folder() as folder, her_dovecot(folder, HER[kind]) as dovecot:
        found = pages.blocks("your-dovecot-directory", "The lines")
        lines, settings = (one.placed(dovecot.places()) for one in found)
        text = lines.text.replace("group = sidegate", "group = nogroup")
        assert text != lines.text
        pages.obey(lines._replace(text=text))
        dovecot.reload()
        for name in ("sidegate-client", "sidegate-userdb"):
            assert stat.S_IMODE((folder / "run" / name).stat().st_mode) == 0o660
        configure(folder / "data", pages.settings(settings))
        with running(folder / "data") as child:
            told = child.command("check", check=False).stdout
    assert f"ok       directory, users: unix:{folder}/run/sidegate-userdb tells who exists" in told
    assert f"ok       directory, passwords: unix:{folder}/run/sidegate-client " in told, told
