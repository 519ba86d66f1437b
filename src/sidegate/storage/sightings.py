"""Which mail programs signed in: from which network, over what, and with what."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from django.db import connection
from django.db.backends.utils import CursorWrapper

from sidegate.decisions.throttle import DAY

KEPT_FOR = 400 * DAY
"""Milliseconds after the last sign-in for which a program is remembered."""
WRITE_EVERY = 60_000
"""Milliseconds within which a program that signs in again is not written again."""
MOST_KEPT = 500_000
"""Programs that may wait, and that are remembered as written."""


class Credential(StrEnum):
    """What a program signed in with."""

    ACCOUNT_PASSWORD = "account-password"  # noqa: S105 - a name, not a secret
    APP_PASSWORD = "app-password"  # noqa: S105 - a name, not a secret
    OTHER = "other"


class Key(NamedTuple):
    """What tells one program from another. All texts are tidy and fit their columns."""

    account_id: int
    protocol: str
    network: str
    program: str
    mechanism: str
    credential: str
    """A value of `Credential`: a text, as an enumeration takes ten times as long to look up."""


class Seen(NamedTuple):
    """Sign-ins of one program: when first, when last and from where, and how many."""

    first_at: int
    last_at: int
    last_address: str
    times: int

    def and_then(self, at: int, address: str) -> Seen:
        """With one more, later sign-in."""
        return Seen(self.first_at, at, address, self.times + 1)


class Waiting:
    """Sightings that wait to be written: each program's at most once in `WRITE_EVERY`."""

    def __init__(self) -> None:
        self._seen: dict[Key, Seen] = {}
        self._due: list[Key] = []
        self._marked: dict[Key, int] = {}

    def add(self, key: Key, *, at: int, address: str) -> bool:
        """Count one sign-in; True where it should be written soon."""
        seen = self._seen.get(key)
        self._seen[key] = seen.and_then(at, address) if seen else Seen(at, at, address, 1)
        if at - self._marked.get(key, 0) < WRITE_EVERY:
            return False
        self._marked[key] = at
        self._due.append(key)
        return True

    def rows(self, *, everything: bool) -> list[tuple[Key, Seen]]:
        """What is to be written now; the rest waits for its program's next sign-in."""
        if everything or len(self._seen) > MOST_KEPT:
            return list(self._seen.items())
        return [(key, self._seen[key]) for key in self._due]

    def forget(self, rows: list[tuple[Key, Seen]]) -> None:
        """These were written."""
        for key, _ in rows:
            del self._seen[key]
        self._due.clear()
        if len(self._marked) > MOST_KEPT:
            newest = max(self._marked.values())
            self._marked = {
                key: at for key, at in self._marked.items() if newest - at < WRITE_EVERY
            }


def mark(cursor: CursorWrapper, rows: Iterable[tuple[Key, Seen]]) -> None:
    """Remember sign-ins, beside what is remembered of the same programs already.

    Sorted, so that two replicas never wait for each other's rows.
    """
    cursor.executemany(_MARK, [(*key[1:], *seen, key.account_id) for key, seen in sorted(rows)])


def forget_old(*, now: int) -> None:
    """Drop the programs that did not come back."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM sighting WHERE last_at < %s", [now - KEPT_FOR])


# From the account, so that one that was removed meanwhile keeps no other's out.
# What two replicas saw of one program may arrive in either order.
_MARK = (
    "INSERT INTO sighting (account_id, protocol, network, program, mechanism, credential,"
    " first_at, last_at, last_address, count)"
    " SELECT id, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM account WHERE id = %s"
    " ON CONFLICT (account_id, protocol, network, program, mechanism, credential) DO UPDATE SET"
    " first_at = CASE WHEN excluded.first_at < sighting.first_at"
    " THEN excluded.first_at ELSE sighting.first_at END,"
    " last_address = CASE WHEN excluded.last_at >= sighting.last_at"
    " THEN excluded.last_address ELSE sighting.last_address END,"
    " last_at = CASE WHEN excluded.last_at > sighting.last_at"
    " THEN excluded.last_at ELSE sighting.last_at END,"
    " count = sighting.count + excluded.count"
)
