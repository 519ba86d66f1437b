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


@pytest.mark.parametrize("kind", kinds("2.3", "2.3 PAM", "2.4", "2.4 PAM"))
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
    users = f"directory, users: unix:{folder}/run/sidegate-userdb tells who exists"
    passwords = f"directory, passwords: unix:{folder}/run/sidegate-client refuses"
    if dovecot.shows_passwords:
        assert f"ok       {users}, and who is left out there" in told, told
        assert f"ok       {passwords} who is not known" in told, told
    else:  # PAM, which holds a refusal back by itself
        assert f"warning  {users}, but not who is disabled" in told, told
        assert f"warning  {passwords} after " in told, told
