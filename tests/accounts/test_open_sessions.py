"""Sessions that only their mail server can end: it is told, by one replica, until it does."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from installation import OPERATOR, Installation
from mail_desk import Desk, open_desk, real_now, run
from sidegate.accounts import open_sessions, people
from sidegate.accounts.open_sessions import Processes, SessionWatch, remember
from sidegate.decisions.ports import Unavailable
from sidegate.storage.mail_models import MailSession
from sidegate.storage.models import Account, AppPassword, Event

ANNA = "anna@example.test"
HOST = "https://mail.example.test:8080"


class NullServer:
    """The null implementation of a mail server that can be told."""

    def __init__(self, users: dict[int, str]) -> None:
        self.users = users
        self.away = False
        self.kicked: list[str] = []

    async def sessions(self) -> dict[int, str]:
        if self.away:
            raise Unavailable("away")
        return dict(self.users)

    async def kick(self, users: Iterable[str]) -> None:
        self.kicked += users


def watch(desk: Desk, server: NullServer | None) -> SessionWatch:
    return SessionWatch(
        processes=Processes(started_at=lambda _: None, end=lambda *_: False),
        background=desk.background,
        writer=desk.writer,
        now=real_now,
        server=server,
        place=HOST,
    )


def opened(
    account: Account,
    process_id: int,
    *,
    ago: int = 2_000,
    started: int = 0,
    protocol: str = "imap",
    app_password: AppPassword | None = None,
) -> MailSession:
    session = MailSession(
        app_password=app_password,
        host=HOST,
        process_id=process_id,
        process_started=started,
        account=account,
        password_version=account.password_version,
        protocol=protocol,
        opened_at=real_now() - ago,
    )
    assert remember(session)
    return session


def shut_out(house: Installation, *accounts: Account) -> None:
    for account in accounts:
        people.set_enabled(house.context, account=account, enabled=False, origin=OPERATOR)


async def look(one: SessionWatch, server: NullServer) -> None:
    await one._end_by_process()
    await one._tell(server)


@pytest.mark.parametrize("started", [0, 7], ids=["not seen", "not to be ended by us"])
def test_the_server_is_told_of_whom_it_knows(
    installation_on_each: Installation, started: int
) -> None:
    house = installation_on_each
    anna, bert = house.add(ANNA), house.add("bert@example.test")
    opened(anna, 11, started=started)
    opened(anna, 12, started=started)
    opened(bert, 13, started=started)
    server = NullServer({11: "Anna", 13: "bert"})
    shut_out(house, anna)
    assert open_sessions.lingering(anna, now=real_now())
    assert not open_sessions.lingering(bert, now=real_now())

    async def work() -> None:
        async with open_desk(house) as desk:
            await look(watch(desk, server), server)

    run(work())
    assert server.kicked == ["Anna"]  # by the name that Dovecot has for her
    assert [row.process_id for row in MailSession.objects.all()] == [13]
    assert Event.objects.filter(kind="mail-session-ended", account=anna).count() == 2
    assert not open_sessions.lingering(anna, now=real_now())


def test_a_server_that_is_away_is_told_again_and_of_two_replicas_one_tells(
    installation_on_each: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = installation_on_each
    anna = house.add(ANNA)
    opened(anna, 11)
    server = NullServer({11: ANNA})
    shut_out(house, anna)

    async def work() -> None:
        async with open_desk(house) as desk:
            one, other = watch(desk, server), watch(desk, server)
            server.away = True
            await look(one, server)
            server.away = False
            await look(one, server)
            await look(other, server)
            assert server.kicked == []  # it was told a moment ago
            monkeypatch.setattr(open_sessions, "TOLD_AGAIN", -1)
            await look(other, server)
            await look(one, server)

    run(work())
    assert server.kicked == [ANNA]
    assert not MailSession.objects.exists()


def test_what_the_server_may_not_know_of_yet_waits(installation: Installation) -> None:
    anna = installation.add(ANNA)
    opened(anna, 11, ago=100)
    server = NullServer({})
    shut_out(installation, anna)

    async def work() -> None:
        async with open_desk(installation) as desk:
            await look(watch(desk, server), server)

    run(work())
    assert MailSession.objects.exists()


@pytest.mark.parametrize("told", [True, False])
def test_sessions_that_are_not_there_any_more_are_forgotten(
    installation: Installation, *, told: bool
) -> None:
    anna = installation.add(ANNA)
    day = 24 * 3600 * 1000
    for process_id, ago in ((11, 2 * day), (12, day // 2), (13, 2 * day), (14, 1_000)):
        opened(anna, process_id, ago=ago)
    server = NullServer({13: ANNA})

    async def work() -> None:
        async with open_desk(installation) as desk:
            await watch(desk, server if told else None)._sweep()

    run(work())
    left = sorted(MailSession.objects.values_list("process_id", flat=True))
    assert left == ([13, 14] if told else [12, 14])


def test_what_an_app_password_may_no_longer_do_is_ended(installation_on_each: Installation) -> None:
    anna = installation_on_each.add(ANNA)
    key = AppPassword.objects.create(
        account=anna, digest=b"x", app="mail", device="mac", scopes="pop3,submission,imap",
        created_at=real_now(),
    )  # fmt: skip
    for number, protocol in enumerate(("imap", "pop3", "submission")):
        opened(anna, number + 1, protocol=protocol, app_password=key)
    assert not open_sessions.lingering(anna, now=real_now())
    for scopes, ended in (("pop3,imap", [3]), ("imap", [2, 3]), ("submission", [1, 2])):
        AppPassword.objects.update(scopes=scopes)
        assert [one.process_id for one in forbidden()] == ended


def forbidden() -> list[open_sessions.Forbidden]:
    return list(open_sessions._forbidden(open_sessions.EVERYBODY, [], now=real_now()))
