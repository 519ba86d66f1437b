"""Started as an ordinary user, in a folder of theirs: it works the same."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import sidegate
from child import as_user, running
from clients.desk import desk_for
from clients.test_restart import has, master_of, send
from clients.ways import LIBRARIES, everywhere, let_in

USER = "nobody"


def python_of_anybody() -> tuple[str, dict[str, str]]:
    """A Python that this user can run; the one that we are may lie in a private home."""
    packages = [Path(sidegate.__file__).parents[1], sysconfig.get_path("purelib")]
    environment = {"PYTHONPATH": os.pathsep.join(map(str, packages)), "HOME": "/nonexistent"}
    # By a shell: what this user cannot reach is a status then, like all else that fails.
    script = '"$0" -c "import sidegate, django, uvloop, argon2, cryptography"'
    for python in (sys.executable, "/usr/bin/python3"):
        tried = subprocess.run(
            ["/bin/sh", "-c", script, python],
            check=False,
            capture_output=True,
            cwd="/",
            env={**os.environ, **environment},
            **as_user(USER),
        )
        if tried.returncode == 0:
            return python, environment
    pytest.skip(f"user {USER} can run no Python with Sidegate's packages here")


@pytest.mark.skipif(os.geteuid() != 0, reason="all tests run as an ordinary user already")
def test_an_ordinary_user_needs_nothing_of_root(data: Path) -> None:
    python, environment = python_of_anybody()
    program = (python, "-P", "-m", "sidegate")
    with (
        running(data, program=program, environment=environment, user=USER) as child,
        desk_for(data) as desk,
    ):
        assert Path(f"/proc/{master_of(child)}").stat().st_uid == data.stat().st_uid != 0
        assert (data / "mail").stat().st_uid == data.stat().st_uid
        anna = desk.person()
        every = {way.name for way in LIBRARIES}
        assert let_in(everywhere(child, anna.address, anna.password, LIBRARIES)) == every
        anna.turn_on()
        key = anna.app_password()
        assert let_in(everywhere(child, anna.address, key.grouped, LIBRARIES)) == every
        assert let_in(everywhere(child, anna.address, anna.password, LIBRARIES)) == set()
        assert has(child, anna, key, send(child, anna, key))
        assert child.stop() == 0
