"""Mailboxes as a mail server asks for them, and the open sessions it tells of."""

from __future__ import annotations

import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from sidegate.accounts.open_sessions import EVERYBODY, Processes, remember
from sidegate.decisions.names import canonical
from sidegate.decisions.observing import Enforced
from sidegate.decisions.ports import Mailbox, SessionStart
from sidegate.decisions.words import Allow, CredentialKind
from sidegate.storage.background import Background
from sidegate.storage.mail_models import MailSession
from sidegate.storage.models import Account


class Place(NamedTuple):
    """Where the private mail server keeps mail, and as whom."""

    mail: Path
    uid: int
    gid: int


class OwnMailboxes:
    """Implements `decisions.ports.Mailboxes` for the private mail server."""

    def __init__(
        self,
        *,
        place: Place | None,
        processes: Processes,
        background: Background,
        now: Callable[[], int],
        unseen: str | None = None,
        enforced: Enforced = EVERYBODY,
    ) -> None:
        self._place = place
        self._enforced = enforced
        self._unseen = unseen
        """Mail processes may be where they cannot be seen, in a container or on another host:
        then what their sessions are remembered under.
        """
        self._processes = processes
        self._background = background
        self._now = now

    async def find(self, login: str) -> Mailbox | None:
        """The mailbox of an account, disabled or not: mail to it is not to bounce.

        Nobody comes in by this: who is disabled was refused before it is asked.
        """
        address = canonical(login)
        if address is None or self._place is None:
            return None
        found = await self._background.run(lambda: Account.objects.filter(address=address).exists())
        return _mailbox(self._place, address) if found else None

    async def addresses(self) -> list[str]:
        """Every account's address."""
        return await self._background.run(
            lambda: list(Account.objects.values_list("address", flat=True))
        )

    async def session_started(self, start: SessionStart) -> bool:
        """Remember an open session; False where what opened it was revoked meanwhile."""
        verdict = start.verdict
        if not isinstance(verdict, Allow):
            return False
        if verdict.account_id is None or verdict.credential is CredentialKind.MASTER:
            return True  # nothing that an owner could revoke opened it
        process_started = self._processes.started_at(start.process_id)
        host = socket.gethostname() if process_started is not None else self._unseen
        if host is None:
            return False
        session = MailSession(
            host=host,
            process_id=start.process_id,
            process_started=process_started or 0,
            account_id=verdict.account_id,
            app_password_id=verdict.app_password_id,
            grace_window_id=verdict.window_id,
            password_version=verdict.password_version,
            protocol=start.protocol,
            address=start.address[:45],
            opened_at=self._now(),
        )
        return await self._background.run(partial(remember, session, self._enforced))


def _mailbox(place: Place, address: str) -> Mailbox:
    local, _, domain = address.rpartition("@")
    home = place.mail / _folder(domain) / _folder(local)
    return Mailbox(user=address, uid=place.uid, gid=place.gid, home=str(home))


def _folder(name: str) -> str:
    """A folder's name that no address can turn into a way out."""
    safe = "".join(ch if ch.isalnum() or ch in "-_." else f"={ord(ch):02x}" for ch in name)
    return safe.replace(".", "=2e", 1) if safe.startswith(".") else safe
