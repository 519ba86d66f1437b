"""A Sidegate beside an operator's own servers, connected by the lines of the pages."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from child import PORT_NAMES, Child, free_ports

Tables = dict[str, dict[str, Any]]


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder with a short name that every user can enter (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="sgc-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def configure(data: Path, given: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Write sidegate.toml with free ports and what the pages say; to be run with `running`."""
    data.mkdir(mode=0o711, exist_ok=True)
    ports_file = data / "ports.json"
    if not ports_file.exists():
        free = dict(zip(PORT_NAMES, free_ports(len(PORT_NAMES)), strict=True))
        ports_file.write_text(json.dumps(free))
    ports: dict[str, int] = json.loads(ports_file.read_text())
    tables: Tables = {
        "server": {"url": f"http://localhost:{ports['portal']}"},
        "listen": {name: f"127.0.0.1:{port}" for name, port in ports.items()},
    }
    for section, values in given.items():
        tables.setdefault(section, {}).update(values)
    (data / "sidegate.toml").write_text(_toml(tables))
    return ports


def _toml(tables: Tables) -> str:
    # Strings, lists of strings and truth values are written in TOML as in JSON.
    return "\n".join(
        f"[{section}]\n"
        + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for section, values in tables.items()
    )


@dataclass
class Reached(Child):
    """Somebody else's server as `clients.ways` sees one: its ports, and whom to trust."""

    trusted: Path = Path()

    @property
    def authority(self) -> Path:
        return self.trusted
