"""Mailboxes of the operator's own mail server: her userdb tells where they lie."""

from __future__ import annotations

from sidegate.accounts.mailboxes import OwnMailboxes
from sidegate.decisions.directory import Directory, Home
from sidegate.decisions.names import canonical_name
from sidegate.decisions.ports import SessionStart, Unavailable

_ASKED_AS = "imap"


class DirectoryMailboxes:
    """Implements `decisions.ports.Mailboxes` with the answers of her userdb, word for word."""

    def __init__(self, *, directory: Directory, sessions: OwnMailboxes) -> None:
        self._directory = directory
        self._sessions = sessions

    async def find(self, login: str) -> Home | None:
        """The mailbox of a user, with every field that her userdb has for it."""
        name = canonical_name(login)
        home = await self._directory.home(name, _ASKED_AS) if name else None
        # Another name is another account's: that has to be decided first (rule 11).
        return home if home is not None and canonical_name(home.name) == name else None

    async def addresses(self) -> list[str]:
        """Her own Dovecot lists its users; nobody else can."""
        raise Unavailable("ask the directory itself for its users")

    async def session_started(self, start: SessionStart) -> bool:
        """Remember an open session, as of the private mail server."""
        return await self._sessions.session_started(start)
