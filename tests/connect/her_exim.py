"""An operator's own Exim: unpacked, never installed, which would remove the MTA there is."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from child import PATIENCE, free_ports
from peers import missing, require

CACHE = Path(__file__).parents[2] / ".cache" / "exim"
_PACKAGE = "exim4-daemon-heavy"
_OF_DEBIAN = "Debian-exim"
_RUNS_AS = "nobody"
_MAIN = """\
spool_directory = {folder}/spool
log_file_path = {folder}/spool/%slog
pid_file_path = {folder}/spool/pid
keep_environment =
primary_hostname = mail.example.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
auth_advertise_hosts = *
tls_advertise_hosts = *
tls_certificate = {folder}/certificate.pem
tls_privatekey = {folder}/key.pem
acl_smtp_rcpt = deny
begin authenticators
"""
_RUN = """\
mount --bind "$1/passwd" /etc/passwd
mount --bind "$1/group" /etc/group
exec "$2" -C "$1/exim.conf" -bdf
"""


@dataclass
class HerExim:
    """An Exim, to be started with its authenticators."""

    folder: Path
    port: int
    program: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        file = self.folder / "spool" / "mainlog"
        return file.read_text() if file.exists() else ""

    def places(self) -> dict[str, str]:
        """Where the things of an ordinary installation are in this one."""
        return {
            "/etc/tmpfiles.d": f"{self.folder}/tmpfiles.d",  # noqa: S108 - a name
            "/run/sidegate": f"{self.folder}/sidegate",
            "unix:run/auth-client.sock": f"unix:{self.folder}/kept",
            "/etc/exim4/conf.d": f"{self.folder}/conf.d",
            "update-exim4.conf": self.update,
            "systemctl reload exim4": f"touch {self.folder}/reload",
            _OF_DEBIAN: "nogroup",
        }

    @property
    def authenticators(self) -> Path:
        """The folder of Debian's split configuration that holds them."""
        return self.folder / "conf.d" / "auth"

    @property
    def update(self) -> str:
        """What stands in for Debian's `update-exim4.conf`: it puts the parts together."""
        return f"cat {self.folder}/main {self.authenticators}/* >{self.folder}/exim.conf"

    def start(self, authenticators: str) -> None:
        """Start it anew with these lines."""
        (self.folder / "main").write_text(_MAIN.format(folder=self.folder, port=self.port))
        self.authenticators.mkdir(parents=True, exist_ok=True)
        (self.authenticators / "10_sidegate").write_text(authenticators)
        subprocess.run(["/bin/sh", "-c", self.update], check=True)
        self.restart()

    def restart(self) -> None:
        """Start it anew. SIGHUP does not do: it runs itself again, from where Debian has it."""
        self.stop()
        before = self.log.count("daemon started")
        # A user of Exim's own, for this process alone: no account is made on this machine.
        words = ["unshare", "--mount", "sh", "-e", "-c", _RUN, "sh"]
        command = [*words, str(self.folder), str(self.program)]
        libraries = f"{CACHE}/usr/lib:{CACHE}/usr/lib/x86_64-linux-gnu"
        self.process = subprocess.Popen(command, env={"LD_LIBRARY_PATH": libraries})
        deadline = time.monotonic() + PATIENCE
        while self.log.count("daemon started") == before:
            assert self.process.poll() is None, "Exim ended: see above"
            assert time.monotonic() < deadline, "Exim does not start"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None


@contextmanager
def her_exim(folder: Path) -> Iterator[HerExim]:
    """One that is not started yet, in a folder that holds a certificate already."""
    server = HerExim(folder, free_ports(1)[0], _unpacked())
    user = pwd.getpwnam(_RUNS_AS)
    (folder / "spool").mkdir()
    shutil.chown(folder / "spool", user.pw_uid, user.pw_gid)
    (folder / "tmpfiles.d").mkdir(exist_ok=True)
    shutil.chown(folder / "key.pem", user.pw_uid)
    for name, line in (
        ("passwd", f"{_OF_DEBIAN}:x:{user.pw_uid}:{user.pw_gid}::/nonexistent:/usr/sbin/nologin"),
        ("group", f"{_OF_DEBIAN}:x:{user.pw_gid}:"),
    ):
        (folder / name).write_text(f"{Path('/etc', name).read_text()}{line}\n")
    try:
        yield server
    finally:
        server.stop()
        print(server.log)  # noqa: T201 - pytest shows it where a test fails


def _unpacked() -> Path:
    """Exim's program with the libraries that this machine lacks; fetched once."""
    program = CACHE / "usr" / "sbin" / "exim4"
    if program.exists():
        return program
    for tool in ("apt-get", "dpkg", "apt-cache", "dpkg-query", "unshare"):
        require(tool)
    packages = CACHE / "packages"
    shutil.rmtree(CACHE, ignore_errors=True)
    packages.mkdir(parents=True)
    names = [_PACKAGE, *(name for name in _libraries() if not _installed(name))]
    done = subprocess.run(
        ["apt-get", "-q", "download", *names], cwd=packages, capture_output=True, check=False
    )
    if done.returncode:
        missing(f"Exim cannot be fetched: {done.stderr.decode().strip()[-200:]}")
    for file in sorted(packages.iterdir()):
        subprocess.run(["dpkg", "-x", file, CACHE], check=True)
    return program


def _libraries() -> list[str]:
    but = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances", "pre-depends")
    command = ["apt-cache", "depends", "--recurse", *(f"--no-{one}" for one in but), _PACKAGE]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return sorted({line for line in told.splitlines() if line.startswith("lib")})


def _installed(package: str) -> bool:
    command = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout == "installed"
