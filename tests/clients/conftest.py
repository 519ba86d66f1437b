"""One running Sidegate with its private Dovecot for all tests of real mail programs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from child import Child, running
from clients.desk import Desk, desk_for
from peers import require


@contextmanager
def open_folder() -> Iterator[Path]:
    """A short folder that the user of the mail processes can enter (pytest's own are private)."""
    folder = Path(tempfile.mkdtemp(prefix="sidegate-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder for a Sidegate of one's own."""
    require("dovecot")
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def child() -> Iterator[Child]:
    require("dovecot")
    with open_folder() as folder, running(folder) as started:
        yield started


@pytest.fixture(scope="session")
def desk(child: Child) -> Iterator[Desk]:
    with desk_for(child.data) as opened:
        yield opened
