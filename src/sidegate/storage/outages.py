"""What is raised where the database cannot be used. To be asked in the `except` itself."""

from __future__ import annotations

from django.db import connection
from django.db.utils import Error, InterfaceError, OperationalError

Kinds = tuple[type[Exception], ...]


def failures() -> Kinds:
    """Whatever a database raises; everything else is a mistake of ours."""
    return (Error, *_of_the_pool())


def unreachable() -> Kinds:
    """What one that is away raises: the same again may succeed later."""
    return (OperationalError, InterfaceError, *_of_the_pool())


def _of_the_pool() -> Kinds:
    if connection.vendor != "postgresql":
        return ()
    # Here, as its driver loads slowly, and no command that uses SQLite should pay for it.
    from psycopg_pool import PoolTimeout  # noqa: PLC0415 - see above

    return (PoolTimeout,)
