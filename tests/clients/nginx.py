"""A real nginx with the lines of the operators' page, in front of a running Sidegate."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from child import PATIENCE, Child, as_user, free_ports
from peers import missing, require

PAGE = Path(__file__).parents[2] / "docs" / "operators" / "nginx.md"
LISTENERS = {
    993: "imaps", 143: "imap", 995: "pop3s", 110: "pop3", 465: "submissions", 587: "submission",
}  # fmt: skip
_MODULE = Path("/usr/lib/nginx/modules/ngx_mail_module.so")
_BLOCK = re.compile(r"^( *)```nginx\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass
class Front(Child):
    """Sidegate, as it is reached through nginx."""

    folder: Path = Path()

    def places(self) -> dict[str, str]:
        """Where the things of an ordinary installation are in this one."""
        here = f"{require('nginx')} -e stderr -c {self.folder}/nginx.conf"
        return {
            "/etc/nginx/sidegate-token.conf": str(self.folder / "token.conf"),
            "nginx -t": f"{here} -t",
            "systemctl reload nginx": f"{here} -s reload",
        }

    def without_mail(self) -> None:
        """Take the `mail` block out of its configuration."""
        file = self.folder / "nginx.conf"
        text = file.read_text()
        without = re.sub(r"^ *mail \{\n.*\Z", "", text, flags=re.MULTILINE | re.DOTALL)
        assert without != text
        file.write_text(without)


@contextmanager
def nginx(
    child: Child, *, given: Mapping[str, str] | None = None, token: bool = True
) -> Iterator[Front]:
    """The same Sidegate, as it is reached through nginx; `given` replaces other lines."""
    program = require("nginx")
    if not _MODULE.exists():
        missing("nginx's mail module is missing (apt-get install libnginx-mod-mail)")
    ports = dict(zip(LISTENERS.values(), free_ports(len(LISTENERS)), strict=True))
    folder = Path(tempfile.mkdtemp(prefix="sidegate-nginx-", dir="/tmp"))
    try:
        sent = (child.data / "keys" / "http-token").read_text().strip() if token else ""
        _write(folder, child, ports, given or {}, sent)
        with _running([str(program), "-e", "stderr", "-c", str(folder / "nginx.conf")], ports):
            yield Front(**{**vars(child), "ports": {**child.ports, **ports}}, folder=folder)
    finally:
        shutil.rmtree(folder)


def lines_of_the_page() -> str:
    """The block of lines that the page tells to add."""
    found = _BLOCK.findall(PAGE.read_text())
    assert len(found) == 1
    return str(found[0][1])


def _write(
    folder: Path, child: Child, ports: dict[str, int], given: Mapping[str, str], token: str
) -> None:
    for name in ("certificate.pem", "key.pem"):
        shutil.copy(child.data / "tls" / name, folder / name)
    header = f'auth_http_header Authorization "Bearer {token}";\n' if token else ""
    (folder / "token.conf").write_text(header)
    lines = lines_of_the_page()
    replaced = {
        "127.0.0.1:2026/nginx": f"127.0.0.1:{child.ports['http']}/nginx",
        "/etc/nginx/sidegate-token.conf": str(folder / "token.conf"),
        "/etc/ssl/mail.example.test.pem": str(folder / "certificate.pem"),
        "/etc/ssl/private/mail.example.test.key": str(folder / "key.pem"),
        **{f"listen {at}": f"listen 127.0.0.1:{ports[name]}" for at, name in LISTENERS.items()},
        **given,
    }
    for old, new in replaced.items():
        assert lines.count(old) == 1, old
        lines = lines.replace(old, new)
    (folder / "nginx.conf").write_text(
        f"load_module {_MODULE};\ndaemon off;\nmaster_process off;\npid {folder}/pid;\n"
        f"error_log stderr info;\nevents {{}}\n{lines}"
    )
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody")


@contextmanager
def _running(command: list[str], ports: dict[str, int]) -> Iterator[None]:
    process = subprocess.Popen(command, **({} if os.geteuid() else as_user("nobody")))
    try:
        for port in ports.values():
            until_open(process, port)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def until_open(process: subprocess.Popen[bytes], port: int) -> None:
    """Wait until something listens there."""
    deadline = time.monotonic() + PATIENCE
    while True:
        assert process.poll() is None, "nginx ended: see above"
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "nginx does not listen"
            time.sleep(0.05)
        else:
            return
