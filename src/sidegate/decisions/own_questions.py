"""Knowing one's own question again, where the operator's directory asks it back.

A Dovecot that is our directory may ask us in its turn, by its Lua passdb. What we asked
ourselves must go on to its next passdb, or a portal sign-in of somebody with 2-step on
could never be judged, and any other would be asked about for ever.
"""

from __future__ import annotations

from typing import NamedTuple

from sidegate.factors.digests import keyed_digest, same

_BETWEEN = ".sidegate-"
_MINUTE = 60_000
_BYTES = 16


class OwnQuestions(NamedTuple):
    """Marks questions in the name of their session, which Dovecot hands on as it is.

    A mark is bound to login, secret and minute: read in a log, it opens no other way.
    """

    key: bytes

    def __repr__(self) -> str:
        return "OwnQuestions()"

    def marked(self, session: str, *, login: str, secret: str, now: int) -> str:
        """The session's name with the mark; `now` in milliseconds."""
        return f"{session}{_BETWEEN}{self._mark(login, secret, now // _MINUTE).hex()}"

    def knows(self, session: str, *, login: str, secret: str, now: int) -> bool:
        """Whether it was marked here (or by a replica) in this minute or the one before."""
        try:
            given = bytes.fromhex(session.rpartition(_BETWEEN)[2])
        except ValueError:
            return False
        minute = now // _MINUTE
        marks = [self._mark(login, secret, one) for one in (minute, minute - 1)]
        return any(same(given, mark) for mark in marks)

    def _mark(self, login: str, secret: str, minute: int) -> bytes:
        parts = (
            login.encode("utf-8", "surrogatepass"),
            secret.encode("utf-8", "surrogatepass"),
            b"%d" % minute,
        )
        return keyed_digest(key=self.key, purpose=b"own-question", parts=parts)[:_BYTES]
