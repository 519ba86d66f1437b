"""What a snapshot may be loaded into; needs no Django, so that it can be asked first."""

from __future__ import annotations

from pathlib import Path

_MIGRATIONS = Path(__file__).with_name("migrations")
_CONNECT_SECONDS = 5


class TargetProblem(Exception):  # noqa: N818 - says what is wrong with a database
    """A database cannot be asked; the text says why."""


def migrations() -> list[str]:
    """The names of this version's migrations, in their order; a newer one's backup has others."""
    return sorted(file.stem for file in _MIGRATIONS.glob("[0-9]*.py"))


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
