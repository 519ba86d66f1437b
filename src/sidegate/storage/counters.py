"""Wrong secrets, counted by login and network; distinct ones only."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

from sidegate.decisions.throttle import DAY, FAMILIAR_FOR, HOUR, Counters
from sidegate.factors.digests import keyed_digest

KEPT_FOR = DAY
"""Milliseconds for which digests of wrong secrets are kept (rule 7)."""
_LOGIN_BYTES = 16
_SECRET_BYTES = 8


def login_digest(*, key: bytes, login: str) -> bytes:
    """What a login is counted under, known or not: 16 bytes of a keyed digest."""
    return keyed_digest(key=key, purpose=b"count-login", parts=(_bytes(login),))[:_LOGIN_BYTES]


def secret_digest(*, key: bytes, login: str, secret: str) -> bytes:
    """What tells one wrong secret from another: 8 bytes of a keyed digest."""
    parts = (_bytes(login), _bytes(secret))
    return keyed_digest(key=key, purpose=b"count-secret", parts=parts)[:_SECRET_BYTES]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # whatever was typed can be counted


def read(*, login: bytes, account_id: int | None, network: str, now: int) -> Counters:
    """The counters as one attempt sees them."""
    since, familiar_since = now - HOUR, now - FAMILIAR_FOR
    with connection.cursor() as cursor:
        pair = _count(cursor, _PAIR, [login, network, since])
        of_network = _count(cursor, _NETWORK, [network, since])
        of_login = _count(cursor, _LOGIN, [login, since, account_id, familiar_since])
        familiar = _count(cursor, _FAMILIAR, [account_id, network, familiar_since])
    return Counters(pair=pair, login=of_login, network=of_network, familiar=familiar > 0)


def add(*, login: bytes, network: str, secret: bytes, now: int) -> bool:
    """Count one wrong secret; False where the same one from the same network was counted."""
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [login, network, secret, now, now - KEPT_FOR])
        return bool(cursor.rowcount > 0)


def familiar(
    cursor: CursorWrapper, pairs: Sequence[tuple[int, str]], *, now: int
) -> set[tuple[int, str]]:
    """Those of the pairs (account id, network) that are familiar."""
    if not pairs:
        return set()
    places = ", ".join(["(%s, %s)"] * len(pairs))
    wanted = [value for pair in pairs for value in pair]
    cursor.execute(_FAMILIAR_PAIRS % places, [now - FAMILIAR_FOR, *wanted])
    return {(int(account), str(network)) for account, network in cursor.fetchall()}


def mark_familiar(cursor: CursorWrapper, rows: list[tuple[int, str, int]]) -> None:
    """Remember (account id, network, time) of sign-ins that came in."""
    cursor.executemany(_MARK, [(network, at, account_id) for account_id, network, at in rows])


def mark(*, account_id: int, network: str, now: int) -> None:
    """Remember one sign-in that came in."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK, [network, now, account_id])


def forget_old(*, now: int) -> None:
    """Drop what is older than it may be kept."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM wrong_secret WHERE at < %s", [now - KEPT_FOR])
        cursor.execute("DELETE FROM familiar_network WHERE at < %s", [now - FAMILIAR_FOR])


def _count(cursor: CursorWrapper, query: str, parameters: list[bytes | str | int | None]) -> int:
    cursor.execute(query, parameters)
    row = cursor.fetchone()
    return int(row[0]) if row else 0


# What was found to be right after its refusal is no guess (`storage/second_looks`).
_PAIR = (
    "SELECT count(*) FROM wrong_secret WHERE login_digest = %s AND network = %s AND at > %s"
    " AND right_at IS NULL"
)
_NETWORK = "SELECT count(*) FROM wrong_secret WHERE network = %s AND at > %s AND right_at IS NULL"
_LOGIN = (
    "SELECT count(*) FROM wrong_secret WHERE login_digest = %s AND at > %s AND right_at IS NULL"
    " AND network NOT IN (SELECT network FROM familiar_network WHERE account_id = %s AND at > %s)"
)
_FAMILIAR = (
    "SELECT count(*) FROM familiar_network WHERE account_id = %s AND network = %s AND at > %s"
)
_FAMILIAR_PAIRS = (
    "SELECT account_id, network FROM familiar_network"
    " WHERE at > %%s AND (account_id, network) IN (VALUES %s)"
)
# One that has stood for 24 hours counts anew: its time moves on then, and not before.
_ADD = (
    "INSERT INTO wrong_secret (login_digest, network, secret_digest, at) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (login_digest, network, secret_digest) DO UPDATE SET at = excluded.at,"
    " checked_at = NULL, right_at = NULL"
    " WHERE wrong_secret.at < %s"
)
# From the account, so that one that was removed meanwhile keeps no other's stamp out.
_MARK = (
    "INSERT INTO familiar_network (account_id, network, at)"
    " SELECT id, %s, %s FROM account WHERE id = %s"
    " ON CONFLICT (account_id, network) DO UPDATE SET at = excluded.at"
)
