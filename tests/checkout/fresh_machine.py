"""A fresh Debian 12: its own files, and the kernel, network and package sources of this machine.

What runs in it has its own mounts and process numbers, so nothing mounted or started there
outlives the command that it was started with.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checkout.terminal import Terminal
from debian import REPOSITORY, apt_sources, debian_root
from peers import require

PLACE = REPOSITORY / ".cache" / "fresh-machine"
DEBIAN = "bookworm"
AUTHORITIES = "etc/authorities-of-the-host.crt"
"""A name that no package of Debian's writes to: installing ca-certificates rewrites its own."""
PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
CACHES = ("/var/lib/apt/lists", "/var/cache/apt/archives", "/root/.cache/pip")
"""What is downloaded lies here: given to a second machine, it downloads nothing again."""

# What a container's start does. $1 is the machine's root, $2 the user, $3 the folder to start in,
# then "from:to" or "from:to:ro" for what is shared with it, a "--" and the command.
ENTER = """
set -eu
root=$1 user=$2 folder=$3
shift 3
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
while [ "$1" != -- ]; do
    from=${1%%:*} to=$root${1#*:}
    mkdir -p -- "${to%:ro}"
    mount --rbind -- "$from" "${to%:ro}"
    [ "$to" = "${to%:ro}" ] || mount -o remount,bind,ro -- "${to%:ro}"
    shift
done
shift
exec chroot --userspec="$user" -- "$root" sh -c 'cd -- "$1" && shift && exec "$@"' sh "$folder" "$@"
"""


class Machine:
    """A machine, and a clone of this repository's HEAD in its owner's home."""

    def __init__(self, root: Path, *, caches: Path, user: str = "root") -> None:
        self.root = root
        self.user = user
        self.home = "/root" if user == "root" else f"/home/{user}"
        self._shared = [f"{caches}{folder}:{folder}" for folder in CACHES]
        for folder in CACHES:
            (caches / folder[1:]).mkdir(parents=True, exist_ok=True)
        self._use_the_sources_of_this_machine()

    @property
    def checkout(self) -> Path:
        """The clone, as this machine sees it."""
        return self.root / self.home[1:] / "sidegate"

    def clone(self) -> None:
        theirs = "git -c safe.directory=* upload-pack"  # the checkout may be another user's
        options = ["--quiet", "--no-local", "--upload-pack", theirs]
        subprocess.run([require("git"), "clone", *options, REPOSITORY, self.checkout], check=True)
        self.run_as_root(f"chown -R {self.user}: {self.home}/sidegate")

    def terminal(self, line: str) -> Terminal:
        """Type LINE on a terminal, as this machine's user, in the clone's folder."""
        alone = f"exec {line}"  # a shell between would answer Ctrl-C too
        command = self._command(alone, user=self.user, folder=f"{self.home}/sidegate")
        return Terminal(command, environment=self._environment())

    def run_as_root(self, line: str) -> None:
        command = self._command(line, user="root", folder="/")
        subprocess.run(command, env=self._environment() | {"HOME": "/root"}, check=True)

    def keep_services_off(self) -> None:
        """As containers do: installing a package starts nothing, on the ports of this machine."""
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)

    def _command(self, line: str, *, user: str, folder: str) -> list[str]:
        new = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        who = f"{user}:{user}"
        enter = ["sh", "-c", ENTER, "sh", str(self.root), who, folder, *self._shared, "--"]
        return [*new, *enter, "sh", "-c", line]

    def _environment(self) -> dict[str, str]:
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        own = {"PATH": path, "HOME": self.home, "TERM": "xterm", "USER": self.user}
        return own | {name: os.environ[name] for name in PROXIES if name in os.environ}

    # ---- How it reaches packages: as this machine does. Nothing of it is kept in the repository.

    def _use_the_sources_of_this_machine(self) -> None:
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            shutil.copyfile(name, self.root / name[1:])
        options = pip_options()
        authorities = Path(options.get("cert", "/etc/ssl/certs/ca-certificates.crt"))
        if authorities.exists():
            shutil.copy(authorities, self.root / AUTHORITIES)
            options["cert"] = f"/{AUTHORITIES}"
        self._use_apt_sources()
        self._use_pip_sources(options)

    def _use_apt_sources(self) -> None:
        folder = self.root / "etc/apt"
        lines = [f"deb {uri} {suite} {part}\n" for uri, suite, part in apt_sources(DEBIAN)]
        (folder / "sources.list").write_text("".join(lines))
        acquire = subprocess.check_output(["apt-config", "dump", "Acquire"], text=True)
        if (self.root / AUTHORITIES).exists():
            acquire += f'Acquire::https::CAInfo "/{AUTHORITIES}";\n'
        (folder / "apt.conf.d/50acquire").write_text(acquire)
        for name in ("auth.conf", "auth.conf.d", "keyrings", "trusted.gpg", "trusted.gpg.d"):
            theirs = Path("/etc/apt") / name
            if theirs.is_dir():
                shutil.copytree(theirs, folder / name, dirs_exist_ok=True)
            elif theirs.exists():
                shutil.copy(theirs, folder / name)

    def _use_pip_sources(self, options: dict[str, str]) -> None:
        lines = [f"{name} = {value}\n" for name, value in options.items()]
        (self.root / "etc/pip.conf").write_text("".join(["[global]\n", *lines]))
        self._shared += [f"{folder}:{folder}:ro" for folder in folders_named_in(options)]


def pip_options() -> dict[str, str]:
    """What pip here is told by files and the environment, but for which versions it may take."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    options = {}
    for line in subprocess.check_output(command, text=True).splitlines():  # the strongest is last
        key, _, value = line.partition("=")
        options[key.split(".", 1)[1]] = " ".join(ast.literal_eval(value).split())
    options.pop("constraint", None)  # the lock files say which
    return options


def folders_named_in(options: dict[str, str]) -> list[Path]:
    """Folders of packages: a page of links names files beside its own folder too."""
    words = [word for value in options.values() for word in value.split()]
    pages = [Path(word.removeprefix("file://")).parent for word in words if "file:///" in word]
    plain = [Path(word) for word in words if word.startswith("/")]
    return [folder for folder in dict.fromkeys(pages + plain) if folder.is_dir()]


@contextmanager
def fresh_machine(*, caches: Path, user: str = "root") -> Iterator[Machine]:
    """Start from nothing but Debian's smallest system; gone on leaving."""
    pristine = debian_root(DEBIAN)
    PLACE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="machine-", dir=PLACE) as name:
        root = Path(name) / "root"
        subprocess.run(["cp", "-a", pristine, root], check=True)
        yield Machine(root, caches=caches, user=user)
