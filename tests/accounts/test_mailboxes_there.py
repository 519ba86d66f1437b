"""Mailboxes of the operator's own mail server, and the open sessions that it tells of."""

from __future__ import annotations

import pytest

from installation import OPERATOR, OWNER, Installation
from mail_desk import open_desk, real_now, run
from sidegate.accounts import people
from sidegate.accounts.mailboxes import OwnMailboxes
from sidegate.accounts.mailboxes_there import DirectoryMailboxes
from sidegate.accounts.open_sessions import Processes
from sidegate.decisions.directory import Home, Judged, Question, Seen
from sidegate.decisions.mail import PasswordCheck, Presence
from sidegate.decisions.ports import SessionStart, Unavailable
from sidegate.decisions.words import Allow, CannotTell, CredentialKind, Why
from sidegate.storage.mail_models import MailSession

ADA = "ada@example.test"
HOMES = {
    ADA: Home("Ada@example.test", (b"uid=1001", b"home=/mail/ada")),
    "boss@example.test": Home(ADA, (b"uid=1001",)),
}


class NullDirectory:
    """Knows where two names' mail lies; one of them is another's."""

    refusals_take = 0.0
    away = False

    def attach(self) -> None:
        """Nothing to attach."""

    async def close(self) -> None:
        """Nothing to close."""

    async def home(self, name: str, protocol: str) -> Home | None:
        assert protocol == "imap"
        if self.away:
            raise Unavailable("made to be")
        return HOMES.get(name)

    async def look_up(self, question: Question) -> Seen:
        return Seen(Presence.GONE, question.name)

    async def judge(self, question: Question) -> Judged:
        return Judged(PasswordCheck.WRONG, question.name)

    def look_up_blocking(self, question: Question) -> Seen:
        return Seen(Presence.GONE, question.name)

    def judge_blocking(self, question: Question) -> Judged:
        return Judged(PasswordCheck.WRONG, question.name)


def test_a_mailbox_is_told_word_for_word_and_by_its_own_name_alone(
    installation: Installation,
) -> None:
    async def ask() -> None:
        async with open_desk(installation) as desk:
            sessions = OwnMailboxes(
                place=None,
                processes=Processes(lambda _: None, lambda *_: False),
                background=desk.background,
                now=real_now,
                unseen="her Dovecot",
            )
            directory = NullDirectory()
            mailboxes = DirectoryMailboxes(directory=directory, sessions=sessions)
            assert await mailboxes.find("ADA+x@example.test") == HOMES[ADA]
            assert await mailboxes.find("boss@example.test") is None, "another account's"
            assert await mailboxes.find("no@example.test") is None
            assert await mailboxes.find("no name") is None
            directory.away = True
            with pytest.raises(Unavailable):
                await mailboxes.find(ADA)
            with pytest.raises(Unavailable):
                await mailboxes.addresses()

    run(ask())


@pytest.mark.parametrize("seen", [True, False])
def test_sessions_of_processes_that_cannot_be_seen(
    installation: Installation, *, seen: bool
) -> None:
    account = people.ensure(installation.context, name=ADA, origin=OWNER)
    allow = Allow(account.pk, ADA, CredentialKind.ACCOUNT_PASSWORD, None, 1)
    master = Allow(None, ADA, CredentialKind.MASTER, None)

    async def ask() -> None:
        async with open_desk(installation) as desk:
            sessions = OwnMailboxes(
                place=None,
                processes=Processes(lambda _: 5 if seen else None, lambda *_: False),
                background=desk.background,
                now=real_now,
                unseen="her Dovecot",
            )
            assert await sessions.session_started(SessionStart(77, allow, "imap"))
            found = await desk.do(lambda: MailSession.objects.values_list("host", flat=True)[0])
            assert (found == "her Dovecot") is not seen
            assert await sessions.session_started(SessionStart(78, master, "imap"))
            later = SessionStart(79, CannotTell(Why.OUTAGE), "imap")
            assert not await sessions.session_started(later)
            await desk.do(
                lambda: people.set_enabled(
                    installation.context, account=account, enabled=False, origin=OPERATOR
                )
            )
            assert not await sessions.session_started(SessionStart(80, allow, "imap"))

    run(ask())
