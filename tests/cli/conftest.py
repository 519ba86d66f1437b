from __future__ import annotations

import pytest

from command_line import ALWAYS, Commands, migrated


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """One installation for a whole module; app passwords work without 2-step."""
    return migrated(tmp_path_factory.mktemp("commands") / "data", ALWAYS)
