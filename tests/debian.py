"""Debian's smallest system of another release, in a folder: made once, with debootstrap."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from peers import missing, require

REPOSITORY = Path(__file__).resolve().parents[1]
PLACE = REPOSITORY / ".cache" / "debian"
SOURCE_FIELDS = "$(REPO_URI) $(RELEASE) $(COMPONENT)"


# A folder lies at the same path in both, and users have the same numbers; the network and the
# processes are shared. The mounts are this program's own, and gone with it.
_ENTER = """\
#!/bin/sh
set -eu
if [ "${{1-}}" != inside ]; then exec unshare --mount -- "$0" inside "$@"; fi
shift
mkdir -p {root}{folder}
mount --bind {folder} {root}{folder}
{mounts}
exec chroot {options} {root} {program} "$@"
"""


USERS = {"/etc/passwd": Path("/etc/passwd"), "/etc/group": Path("/etc/group")}
"""Files of the system, and what it sees in their place: this machine's own users."""


def write_program(
    file: Path,
    root: Path,
    program: str,
    *,
    folder: Path,
    user: str = "",
    seen: Mapping[str, Path] = USERS,
) -> None:
    """Write a script that runs a program of the system in `root`; root alone can."""
    options = f"--userspec={user}" if user else ""
    mounts = "\n".join(f"mount --bind {there} {root}{name}" for name, there in seen.items())
    text = _ENTER.format(root=root, folder=folder, program=program, options=options, mounts=mounts)
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)


def debian_root(release: str, packages: Sequence[str] = (), *, name: str = "") -> Path:
    """A system with these packages and what they depend on; nothing of it runs.

    Several of one release have names. Skips the test where it cannot be had.
    """
    if os.geteuid() != 0:
        pytest.skip(f"a root of Debian ({release}) needs root")
    root = PLACE / (name or release)
    made_with = root.with_suffix(".packages")
    PLACE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = " ".join(packages)
        if not root.exists() or made_with.read_text() != wanted:
            shutil.rmtree(root, ignore_errors=True)
            _make(root, release, packages)
            made_with.write_text(wanted)
    return root


def _make(root: Path, release: str, packages: Sequence[str]) -> None:
    command: list[str | Path] = [require("debootstrap"), "--variant=minbase"]
    command += [f"--include={','.join(packages)}"] if packages else []
    archive = next((uri for uri, suite, _ in apt_sources(release) if suite == release), None)
    if archive is None:
        missing(f"no archive of Debian is among apt's sources here ({release})")
    with tempfile.TemporaryDirectory(prefix="making-", dir=PLACE) as name:
        made = Path(name) / "root"
        command += [release, made, archive]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        made.rename(root)


def apt_sources(release: str) -> list[tuple[str, str, str]]:
    """Address, suite and component of each of Debian's own archives that this machine uses,
    each for another release.
    """
    listed = subprocess.check_output(
        [require("apt-get"), "indextargets", "--format", SOURCE_FIELDS, "Created-By: Packages"],
        text=True,
    )
    here = _release_of_this_machine()
    suites = {here: release, f"{here}-updates": f"{release}-updates"}
    suites[f"{here}-security"] = f"{release}-security"
    found = dict.fromkeys(tuple(line.split()) for line in listed.splitlines())
    return [(uri, suites[suite], part) for uri, suite, part in found if suite in suites]


def _release_of_this_machine() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    return ""
