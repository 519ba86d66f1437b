"""Django's session engine over `storage.models.WebSession`.

The cookie's key is a bearer secret, so the table holds a keyed digest of it only.
A session ends 14 days after it was last seen and 90 days after it began, whichever
comes first; earlier where it was given a shorter life (`set_expiry`).
"""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import IntegrityError, transaction

from sidegate.factors.digests import keyed_digest
from sidegate.pages.context import context
from sidegate.pages.lifetimes import LONGEST
from sidegate.storage.models import WebSession

ACCOUNT = "account"
"""Whose session it is, once signed in: the account's id."""
BEGAN = "began"
SEEN = "seen"
PROGRAM = "program"
ADDRESS = "address"


def key_digest(session_key: str) -> str:
    """What the table knows a session's key by."""
    key = context().keys.derived("web-session")
    parts = (session_key.encode(),)
    return keyed_digest(key=key, purpose=b"web-session", parts=parts).hex()


class SessionStore(SessionBase):
    """A session in the database, found by the digest of its key."""

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self._stored: str | None = None

    def exists(self, session_key: str) -> bool:
        """Whether a session of that key is stored."""
        return WebSession.objects.filter(key_digest=key_digest(session_key)).exists()

    def load(self) -> dict[str, Any]:
        """The stored data; empty, and the key given up, where there is none alive."""
        row = None
        if self.session_key:
            row = WebSession.objects.filter(
                key_digest=key_digest(self.session_key), expires_at__gt=context().now()
            ).first()
        if row is None:
            self._session_key = None
            return {}
        self._stored = row.data
        return self.decode(row.data)

    def create(self) -> None:
        """Store a new, empty session under a new key."""
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]  # missing in the stubs
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        """Store the data; raises `UpdateError` where the session was ended meanwhile."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]  # the same
        columns = self._columns(data)
        digest = key_digest(self.session_key)
        if must_create:
            try:
                with transaction.atomic():
                    WebSession.objects.create(key_digest=digest, **columns)
            except IntegrityError:
                raise CreateError from None
        elif not WebSession.objects.filter(key_digest=digest).update(**columns):
            raise UpdateError
        self._stored = columns["data"]

    def cycle_key(self) -> None:
        """Go on under a new key; raises `SessionInterrupted` where it was ended meanwhile.

        In one step: a session that another browser ends at the same moment stays ended.
        """
        if self.session_key is None:
            self.create()
            return
        kept = WebSession.objects.filter(key_digest=key_digest(self.session_key))
        new = self._get_new_session_key()  # type: ignore[attr-defined]  # as in `create`
        if not kept.update(key_digest=key_digest(new)):
            raise SessionInterrupted("ended by another request")
        self._session_key = new
        self.modified = True

    def take(self, key: str) -> Any:  # noqa: ANN401 - as a session's values are
        """Take a value out, once: of two requests at the same time only one gets it."""
        value = self.pop(key, None)
        if value is None or self.session_key is None:
            return None
        columns = self._columns(dict(self.items()))
        unchanged = WebSession.objects.filter(
            key_digest=key_digest(self.session_key), data=self._stored
        )
        if not unchanged.update(**columns):
            return None
        self._stored = columns["data"]
        return value

    def delete(self, session_key: str | None = None) -> None:
        """Forget the session of that key, by default this one."""
        ended = session_key or self.session_key
        if ended:
            WebSession.objects.filter(key_digest=key_digest(ended)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Delete what has ended."""
        WebSession.objects.filter(expires_at__lte=context().now()).delete()

    def _columns(self, data: dict[str, Any]) -> dict[str, Any]:
        now = context().now()
        began = data.setdefault(BEGAN, now)
        idle = self.get_expiry_age() * 1000
        return {
            "account_id": data.get(ACCOUNT),
            "data": self.encode(data),
            "created_at": began,
            "seen_at": data.get(SEEN, now),
            "expires_at": min(now + idle, began + LONGEST),
            "program": data.get(PROGRAM, ""),
            "address": data.get(ADDRESS, ""),
        }
