"""What a rule needs of every step's rows, in one statement: the ORM would take 30 times as long."""

from __future__ import annotations

from typing import NamedTuple

from django.db import connection

from sidegate.accounts.second_steps import StepKind

_SAYS = f"""
SELECT (SELECT coalesce(max(id), 0) FROM event),
       (SELECT coalesce(max(id), 0) FROM job),
       (SELECT count(*) FROM app_password),
       (SELECT group_concat(key) FROM (
            SELECT '{StepKind.PASSKEY}-' || id AS key FROM passkey
            UNION ALL SELECT '{StepKind.AUTHENTICATOR}-' || id FROM totp
            UNION ALL SELECT '{StepKind.PHONE}-' || id FROM phone)),
       (SELECT group_concat(made_at) FROM trusted_browser)
"""  # noqa: S608 - words of ours


class Stored(NamedTuple):
    """The rows of the one account that there is."""

    event: int
    """The newest one's id."""
    job: int
    """The same."""
    app_passwords: int
    """How many."""
    steps: frozenset[str]
    """The keys of its second steps, but for backup codes."""
    trusted: list[int]
    """Since when its trusted browsers are, the newest first."""


def read_stored() -> Stored:
    """As it is now."""
    with connection.cursor() as cursor:
        event, job, app_passwords, steps, trusted = cursor.execute(_SAYS).fetchone()
    keys = frozenset(steps.split(",") if steps else ())
    since = sorted(map(int, str(trusted).split(",")), reverse=True) if trusted else []
    return Stored(event, job, app_passwords, keys, since)
