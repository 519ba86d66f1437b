"""What a snapshot may be loaded into; needs no Django, so that it can be asked first."""

from __future__ import annotations

import re
from pathlib import Path

_NAME = re.compile(r"[0-9]{4}_[a-z0-9_]+")
_MIGRATIONS = Path(__file__).with_name("migrations")
_CONNECT_SECONDS = 5


class TargetProblem(Exception):  # noqa: N818 - says what is wrong with a database
    """A database cannot be asked; the text says why."""


def knows_migration(name: object) -> bool:
    """Whether this version has a migration; a backup of a newer one names another."""
    found = isinstance(name, str) and _NAME.fullmatch(name)
    return bool(found) and (_MIGRATIONS / f"{name}.py").is_file()


def is_empty(url: str) -> bool:
    """Whether a PostgreSQL database holds nothing of ours yet. Raises `TargetProblem`."""
    # Here, as it loads slowly, and SQLite needs none of it.
    import psycopg  # noqa: PLC0415 - see above

    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS) as connected:
            found = connected.execute("SELECT to_regclass('event')").fetchone()
            if found is None or found[0] is None:
                return True
            # Empty tables are what a restore that failed leaves behind.
            used = connected.execute("SELECT EXISTS (SELECT 1 FROM event)").fetchone()
    except psycopg.Error as error:
        first_line = next(iter(str(error).splitlines()), "")
        raise TargetProblem(f"the database cannot be reached: {first_line}") from None
    return used is not None and not used[0]
