"""What is raised where the database cannot be used. To be asked in the `except` itself.

And what may stand all the same: what was being written then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.db.utils import Error, InterfaceError, OperationalError

Kinds = tuple[type[Exception], ...]

_WRITE_NOTHING = ("SELECT", "BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")


class Writes:
    """Notes, as an `execute_wrapper`, whether anything was written: `begun`.

    Nobody knows whether a statement was done whose answer did not come, nor a transaction.
    """

    def __init__(self) -> None:
        self.begun = False

    def __call__(self, execute: Callable[..., Any], sql: str, *rest: Any) -> Any:  # noqa: ANN401 - passed on
        """Note a statement, and have it executed."""
        self.begun = self.begun or not sql.startswith(_WRITE_NOTHING)
        return execute(sql, *rest)


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
