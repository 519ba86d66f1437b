"""One Dovecot of an operator's with Sidegate connected to it, for all tests that only sign in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connect.connected import HER, House, connected, kinds
from connect.house import open_folder


@pytest.fixture(scope="session", params=kinds(*HER))
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    with open_folder() as folder, connected(folder, request.param) as made:
        yield made
