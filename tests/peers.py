"""The real programs that tests speak with."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGES = {
    "baresip": "baresip-core",
    "bearerbox": "kannel",
    "chromium": "chromium",
    "curl": "curl",
    "dovecot": "dovecot-core",
    "fail2ban-regex": "fail2ban",
    "initdb": "postgresql",
    "fakesmsc": "kannel-extras",
    "mbsync": "isync",
    "msmtp": "msmtp",
    "node": "nodejs",
    "doveadm": "dovecot-core",
    "postconf": "postfix",
    "postgres": "postgresql",
    "ps": "procps",
    "smsbox": "kannel",
    "msgfmt": "gettext",
    "xgettext": "gettext",
}
"""Which Debian package brings a program; others have the name of their program."""


def require(program: str) -> Path:
    """Give the path of PROGRAM; where it is missing, skip the test, or fail it where CI=true."""
    found = shutil.which(program, path=_folders())
    if found is None:
        missing(f"{program} is missing (apt-get install {PACKAGES.get(program, program)})")
    return Path(found)


def missing(what: str) -> NoReturn:
    """Say what this machine lacks for a test: skip the test, or fail it where CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def _folders() -> str:
    """Where to look: Debian keeps servers out of an ordinary user's PATH."""
    servers = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return os.pathsep.join(
        [os.environ.get("PATH", ""), "/usr/sbin", "/usr/lib/kannel/test", *map(str, servers)]
    )
