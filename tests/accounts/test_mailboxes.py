"""Mailboxes, and open sessions that end when what opened them is gone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from installation import OPERATOR, OWNER, Installation
from mail_desk import Desk, open_desk, real_now, run
from outages import database_away
from sidegate.accounts import app_passwords, mailboxes, open_sessions, people, two_step
from sidegate.accounts.mailboxes import OwnMailboxes, Place
from sidegate.accounts.open_sessions import Processes, SessionWatch
from sidegate.decisions.ports import SessionStart, Unavailable
from sidegate.decisions.words import Allow, CannotTell, CredentialKind, Reason, Refuse, Why
from sidegate.storage.mail_models import GraceWindow, MailSession
from sidegate.storage.models import Account, AppPassword, Event

ANNA = "anna@example.test"


class NullProcesses:
    """The null implementation of mail processes: alive until ended."""

    def __init__(self) -> None:
        self.alive: dict[int, int] = {}
        self.ended: list[int] = []
        self.broken = False
        self.told = asyncio.Semaphore(0)
        self.loop: asyncio.AbstractEventLoop | None = None

    def start(self, process_id: int) -> int:
        self.alive[process_id] = process_id * 100
        return process_id

    def started_at(self, process_id: int) -> int | None:
        return self.alive.get(process_id)

    def end(self, process_id: int, started: int) -> bool:
        if self.broken:
            raise OSError("no such kernel")
        if self.alive.get(process_id) == started:
            del self.alive[process_id]
            self.ended.append(process_id)
            assert self.loop is not None
            self.loop.call_soon_threadsafe(self.told.release)
        return True

    def port(self) -> Processes:
        return Processes(started_at=self.started_at, end=self.end)


class Sessions:
    """Mailboxes and a watch over one desk."""

    def __init__(self, desk: Desk, processes: NullProcesses) -> None:
        self.processes = processes
        self.desk = desk
        processes.loop = asyncio.get_running_loop()
        self.mailboxes = OwnMailboxes(
            place=Place(Path("/mail"), 1000, 1001),
            processes=processes.port(),
            background=desk.background,
            now=real_now,
        )
        self.watch = SessionWatch(
            processes=processes.port(),
            background=desk.background,
            writer=desk.writer,
            now=real_now,
        )

    async def open(self, process_id: int, verdict: Allow) -> bool:
        start = SessionStart(self.processes.start(process_id), verdict, "imap", "192.0.2.7")
        return await self.mailboxes.session_started(start)

    async def until_ended(self, *process_ids: int, seconds: float = 2.0) -> None:
        """By default within the bound that is promised."""
        async with asyncio.timeout(seconds):
            for _ in process_ids:
                await self.processes.told.acquire()
        assert sorted(self.processes.ended) == sorted(process_ids)

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watch.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def processes() -> NullProcesses:
    return NullProcesses()


def by_password(account: Account, version: int = 1) -> Allow:
    return Allow(account.pk, ANNA, CredentialKind.ACCOUNT_PASSWORD, None, version)


def by_app(account: Account, app_password_id: int) -> Allow:
    return Allow(account.pk, ANNA, CredentialKind.APP_PASSWORD, app_password_id)


def turn_on(house: Installation, account: Account) -> None:
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )


def make(house: Installation, account: Account) -> int:
    return app_passwords.make(
        house.context, account=account, app="mail", device="mac", origin=OWNER
    ).id


def check(
    house: Installation,
    processes: NullProcesses,
    opened: dict[int, Allow],
    change: Callable[[], object],
    ended: list[int],
) -> None:
    """Open sessions, change something: these of them end within 2 s, the others stay."""

    async def work() -> None:
        async with open_desk(house) as desk:
            sessions = Sessions(desk, processes)
            async with sessions.watched():
                for process_id, verdict in opened.items():
                    assert await sessions.open(process_id, verdict)
                await desk.do(change)
                await sessions.until_ended(*ended)

    run(work())
    rows = MailSession.objects.values_list("process_id", flat=True)
    assert sorted(rows) == sorted(set(opened) - set(ended))
    events = Event.objects.filter(kind="mail-session-ended")
    assert sorted(event.app_password_id or 0 for event in events) == sorted(
        opened[process_id].app_password_id or 0 for process_id in ended
    )


def test_revoking_ends_the_sessions_of_that_app_password_alone(
    installation_on_each: Installation, processes: NullProcesses
) -> None:
    house = installation_on_each
    anna = house.add(ANNA)
    turn_on(house, anna)
    one, other = make(house, anna), make(house, anna)
    opened = {11: by_app(anna, one), 12: by_app(anna, one), 13: by_app(anna, other)}

    def revoke() -> None:
        app_passwords.revoke(house.context, account=anna, app_password_id=one, origin=OWNER)

    check(house, processes, opened, revoke, [11, 12])


CHOICES: dict[str, Callable[[], dict[str, object]]] = {
    "paused": lambda: {"paused_at": real_now()},
    "expired": lambda: {"expires_at": real_now() - 1},
    "away": lambda: {"networks": "198.51.100.0/24"},
}


@pytest.mark.parametrize("how", CHOICES)
def test_what_its_owner_chooses_ends_the_sessions_that_it_shuts_out(
    installation_on_each: Installation, processes: NullProcesses, how: str
) -> None:
    house = installation_on_each
    anna = house.add(ANNA)
    turn_on(house, anna)
    one, other, third = make(house, anna), make(house, anna), make(house, anna)
    opened = {n: by_app(anna, made) for n, made in ((11, one), (12, other), (13, third))}

    def choose() -> None:
        AppPassword.objects.filter(pk=one).update(**CHOICES[how]())
        AppPassword.objects.filter(pk=other).update(
            expires_at=real_now() + 60_000, networks="2001:db8::/32, 192.0.2.0/24"
        )

    check(house, processes, opened, choose, [11])


def test_turning_two_step_on_ends_the_account_passwords_sessions(
    installation_on_each: Installation, processes: NullProcesses
) -> None:
    house = installation_on_each
    anna, berta = house.add(ANNA), house.add("berta@example.test")
    opened = {11: by_password(anna), 12: by_password(berta)}
    check(house, processes, opened, lambda: turn_on(house, anna), [11])


WINDOW_CHANGES: dict[str, Callable[[], dict[str, int]]] = {
    "ended": lambda: {"ended_at": real_now()},
    "over": lambda: {"until": real_now() - 1},
}


@pytest.mark.parametrize("how", WINDOW_CHANGES)
def test_the_end_of_a_grace_window_ends_what_came_in_by_it(
    installation_on_each: Installation, processes: NullProcesses, how: str
) -> None:
    house = installation_on_each
    anna = house.add(ANNA)
    turn_on(house, anna)
    one, other = (
        GraceWindow.objects.create(
            account=anna,
            protocol=protocol,
            network="192.0.2.0/24",
            address="192.0.2.7",
            given_at=real_now(),
            until=real_now() + 100_000,
        ).pk
        for protocol in ("imap", "pop3")
    )
    opened = {
        11: by_password(anna)._replace(window_id=one),
        12: by_password(anna)._replace(window_id=other),
        13: by_app(anna, make(house, anna)),
    }

    def end() -> None:
        GraceWindow.objects.filter(pk=one).update(**WINDOW_CHANGES[how]())

    check(house, processes, opened, end, [11])


def test_turning_two_step_off_ends_the_app_passwords_sessions(
    installation_on_each: Installation, processes: NullProcesses
) -> None:
    house = installation_on_each
    anna = house.add(ANNA)
    turn_on(house, anna)
    opened = {11: by_app(anna, make(house, anna))}

    def turn_off() -> None:
        two_step.turn_off(house.context, account=anna, origin=OWNER)

    check(house, processes, opened, turn_off, [11])


def test_a_new_password_and_a_disabled_account_end_sessions(
    installation_on_each: Installation, processes: NullProcesses
) -> None:
    house = installation_on_each
    anna, berta = house.add(ANNA), house.add("berta@example.test")

    def change() -> None:
        people.change_password(
            house.context,
            account=anna,
            password="another good passphrase",
            keep_app_passwords=True,
            origin=OWNER,
        )
        people.set_enabled(house.context, account=berta, enabled=False, origin=OPERATOR)

    opened = {11: by_password(anna), 12: by_password(berta)}
    check(house, processes, opened, change, [11, 12])


def test_what_was_revoked_meanwhile_opens_nothing(
    installation_on_each: Installation, processes: NullProcesses
) -> None:
    house = installation_on_each
    anna = house.add(ANNA)
    turn_on(house, anna)
    made = make(house, anna)
    app_passwords.revoke(house.context, account=anna, app_password_id=made, origin=OWNER)

    async def work() -> None:
        async with open_desk(house) as desk:
            sessions = Sessions(desk, processes)
            assert not await sessions.open(11, by_app(anna, made))
            assert not await sessions.open(12, by_password(anna))
            gone = SessionStart(99, by_app(anna, made), "imap")
            assert not await sessions.mailboxes.session_started(gone)
            for verdict in (Refuse(Reason.WRONG_PASSWORD), CannotTell(Why.BUSY)):
                start = SessionStart(processes.start(13), verdict, "imap")
                assert not await sessions.mailboxes.session_started(start)

    run(work())
    assert not MailSession.objects.exists()


def test_the_watch_outlives_an_outage_and_a_broken_process_table(
    installation_on_each: Installation,
    processes: NullProcesses,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(open_sessions, "WATCH_EVERY", 0.05)
    house = installation_on_each
    anna = house.add(ANNA)

    async def work() -> None:
        async with open_desk(house) as desk:
            sessions = Sessions(desk, processes)
            async with sessions.watched():
                assert await sessions.open(11, by_password(anna))
                with database_away():
                    with pytest.raises(Unavailable):
                        await sessions.mailboxes.find(ANNA)
                    await asyncio.sleep(0.2)
                processes.broken = True
                while True:
                    with contextlib.suppress(Unavailable):
                        await desk.do(lambda: turn_on(house, anna))
                        break
                await asyncio.sleep(0.2)
                assert not processes.ended
                processes.broken = False
                await sessions.until_ended(11, seconds=8)

    run(work())


def test_sessions_that_ended_by_themselves_are_swept(
    installation_on_each: Installation, processes: NullProcesses
) -> None:
    house = installation_on_each
    anna = house.add(ANNA)

    async def work() -> None:
        async with open_desk(house) as desk:
            sessions = Sessions(desk, processes)
            for process_id in (11, 12, 13):
                assert await sessions.open(process_id, by_password(anna))
            del processes.alive[11]
            processes.alive[12] = 5  # another process has the number now
            await desk.do(sessions.watch._sweep_seen)

    run(work())
    assert MailSession.objects.get().process_id == 13
    assert not processes.ended


def test_mail_for_a_disabled_account_has_a_mailbox_too(
    installation_on_each: Installation, processes: NullProcesses
) -> None:
    house = installation_on_each
    house.add(ANNA)
    berta = house.add("berta@example.test")
    people.set_enabled(house.context, account=berta, enabled=False, origin=OPERATOR)

    async def work() -> None:
        async with open_desk(house) as desk:
            boxes = Sessions(desk, processes).mailboxes
            found = await boxes.find("Anna+x@EXAMPLE.test")
            assert found is not None
            assert (found.user, found.uid, found.gid) == (ANNA, 1000, 1001)
            assert found == await boxes.find(ANNA)
            assert await boxes.find("berta@example.test") is not None
            for login in ("no@example.test", "anna", "\0"):
                assert await boxes.find(login) is None
            assert sorted(await boxes.addresses()) == [ANNA, "berta@example.test"]

    run(work())


NAMES = [
    ("anna", "anna"),
    ("a.b-c_d", "a.b-c_d"),
    ("..", "=2e."),
    (".", "=2e"),
    (".hidden", "=2ehidden"),
    ("a/b", "a=2fb"),
    ("../../etc", "=2e.=2f..=2fetc"),
    ("a=b", "a=3db"),
    ("a\\b'c", "a=5cb=27c"),
]


@pytest.mark.parametrize(("name", "folder"), NAMES)
def test_no_address_is_a_way_out_of_the_mail_folder(name: str, folder: str) -> None:
    assert mailboxes._folder(name) == folder
    assert (Path("/mail/domain") / folder).resolve().parent == Path("/mail/domain")
