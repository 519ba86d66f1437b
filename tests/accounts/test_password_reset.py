"""A forgotten password: one link, once, by the recovery address; never past the second step."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from installation import OPERATOR, OWNER, PASSWORD, Installation
from sidegate.accounts import (
    job_runner,
    lock_links,
    locking,
    notices,
    password_reset,
    password_reset_rows,
    people,
    recovery,
    recovery_address,
    second_steps,
    two_step,
    web_sign_in,
)
from sidegate.accounts.context import Origin
from sidegate.accounts.errors import NotAvailable, WeakPassword
from sidegate.accounts.jobs import Housekeeping
from sidegate.accounts.notice_words import words
from sidegate.accounts.notices import Notice, unpacked
from sidegate.accounts.password_reset import LIFETIME, MOST_FROM_A_NETWORK, Proof
from sidegate.accounts.password_reset_jobs import ResetHandler
from sidegate.accounts.queue import payload_of
from sidegate.accounts.second_steps import NewAuthenticator, StepKind
from sidegate.accounts.web_sign_in import RightPassword
from sidegate.decisions.recovery import WAIT
from sidegate.events.catalogue import Kind
from sidegate.factors import account_password
from sidegate.storage import breached, jobs
from sidegate.storage.background import Background
from sidegate.storage.models import Account, Event, Job, RecoveryChange
from sidegate.storage.recovery_models import PasswordReset

ANNA = "anna@example.test"
ELSEWHERE = "anna@elsewhere.test"
NEW = "wooden kettle orange ferry"
LINK = re.compile(r"http://localhost:8025/signin/reset/([A-Za-z0-9_=-]{32})")
NOBODYS = "nobody@example.test"


@pytest.fixture
def house(installation_on_each: Installation) -> Installation:
    return installation_on_each


@pytest.fixture
def anna(house: Installation) -> Account:
    account = house.add(ANNA)
    Account.objects.filter(pk=account.pk).update(recovery_address=ELSEWHERE)
    account.refresh_from_db()
    return account


def ask(house: Installation, login: str = ANNA, origin: Origin = OWNER) -> bool:
    return password_reset.ask(house.context, login=login, origin=origin)


def answer(house: Installation) -> None:
    """What the runner of a running Sidegate does."""
    handler = ResetHandler(house.context)
    for job in jobs.take(kinds=[password_reset.JOB], most=100, now=house.clock()):
        outcome = asyncio.run(job_runner.outcome_of(handler, job, now=house.clock()))
        job_runner.write(handler, job, outcome, now=house.clock())


def letters(house: Installation) -> list[Notice]:
    taken = jobs.take(kinds=[notices.JOB], most=100, now=house.clock())
    Job.objects.filter(state=jobs.WAITING).update(taken_until=0)
    told = [unpacked(payload_of(house.context, job)) for job in taken]
    return [notice for notice in told if notice.kind == Kind.PASSWORD_RESET_ASKED]


def link(house: Installation) -> str:
    ask(house)
    answer(house)
    (*_, notice) = letters(house)
    found = LINK.search(words(notice, service="Sidegate", url="").body)
    assert found
    return found[1]


def use(house: Installation, token: str) -> PasswordReset | None:
    return password_reset.use(house.context, token=token)


def used(house: Installation) -> PasswordReset:
    """A link that was sent and used."""
    row = use(house, link(house))
    assert row is not None
    return row


def set_password(
    house: Installation,
    row: PasswordReset,
    *,
    password: str = NEW,
    second_step_at: int | None = None,
    recovery_token: str | None = None,
) -> None:
    password_reset.set_password(
        house.context,
        account=row.account,
        proof=Proof(row.pk, second_step_at, recovery_token),
        password=password,
        keep_app_passwords=False,
        origin=OWNER,
    )


def opens(house: Installation, password: str) -> bool:
    judged = web_sign_in.check_password(house.context, login=ANNA, secret=password, origin=OWNER)
    return isinstance(judged, RightPassword)


def turn_on(house: Installation, anna: Account) -> None:
    two_step.turn_on(
        house.context, account=anna, number="+37120000000", channel="sms", origin=OWNER
    )


def test_a_link_sets_a_password_once(house: Installation, anna: Account) -> None:
    token = link(house)
    assert password_reset.find(house.context, token=token) == anna
    row = use(house, token)
    assert row is not None
    assert row.account == anna
    assert use(house, token) is None
    set_password(house, row)
    assert opens(house, NEW)
    assert not opens(house, PASSWORD)
    with pytest.raises(NotAvailable):
        set_password(house, row, password=f"{NEW} again")
    told = {(notice.to, notice.kind) for notice in changes(house)}
    assert told == {(ANNA, Kind.PASSWORD_CHANGED), (ELSEWHERE, Kind.PASSWORD_CHANGED)}


def changes(house: Installation) -> list[Notice]:
    taken = jobs.take(kinds=[notices.JOB], most=100, now=house.clock())
    told = [unpacked(payload_of(house.context, job)) for job in taken]
    return [notice for notice in told if notice.kind == Kind.PASSWORD_CHANGED]


def test_it_goes_to_the_recovery_address_alone(house: Installation, anna: Account) -> None:
    token = link(house)
    (letter,) = letters(house)
    assert (letter.to, letter.account) == (ELSEWHERE, ANNA)
    assert token.encode() not in bytes(PasswordReset.objects.get().digest)
    event = Event.objects.get(kind=Kind.PASSWORD_RESET_ASKED)
    assert json.loads(event.detail)["name"] == "a•••@elsewhere.test"
    assert not any(token in str(row) for row in Event.objects.values_list())
    row = use(house, token)
    assert row is not None
    assert row.account == anna


@pytest.mark.parametrize("who", ["unknown", "no recovery address", "disabled"])
def test_nobody_else_gets_one(house: Installation, anna: Account, who: str) -> None:
    login = ANNA
    if who == "unknown":
        login = NOBODYS
    elif who == "disabled":
        people.set_enabled(house.context, account=anna, enabled=False, origin=OPERATOR)
    else:
        Account.objects.update(recovery_address="")
    assert ask(house, login)
    answer(house)
    assert letters(house) == []
    assert not PasswordReset.objects.exists()


@pytest.mark.parametrize("login", [NOBODYS, "", "x" * 5000, "anna", "\0", "bert@example.test"])
def test_asking_is_the_same_work_for_everybody(
    house: Installation, anna: Account, login: str
) -> None:
    assert anna.recovery_address
    house.add("bert@example.test")  # without a recovery address

    def work(asked: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert ask(house, asked)
        texts = [query["sql"] for query in queries]
        return [re.sub(r"'[^']*'|\\x[0-9a-f]+|\d+", "?", text) for text in texts]

    mine = work(ANNA)
    assert mine
    assert work(login) == mine
    answer(house)
    assert len(letters(house)) == 1
    assert not Job.objects.filter(kind=password_reset.JOB, state=jobs.WAITING).exists()


def late(house: Installation, _anna: Account) -> None:
    house.clock.forward(seconds=LIFETIME / 1000)


def changed(house: Installation, anna: Account) -> None:
    people.change_password(
        house.context, account=anna, password=NEW, keep_app_passwords=False, origin=OWNER
    )


def disabled(house: Installation, anna: Account) -> None:
    """And enabled again: what ended stays ended."""
    for enabled in (False, True):
        people.set_enabled(house.context, account=anna, enabled=enabled, origin=OPERATOR)


def locked(house: Installation, anna: Account) -> None:
    """The same by the link of a notice."""
    with transaction.atomic():
        link = lock_links.new_link(house.context, account=anna)
    assert locking.lock(house.context, token=link.rpartition("/")[2], origin=OWNER)
    people.set_enabled(house.context, account=anna, enabled=True, origin=OPERATOR)


def no_address(house: Installation, anna: Account) -> None:
    recovery_address.remove(house.context, account=anna, origin=OWNER)


def another_address(house: Installation, anna: Account) -> None:
    ctx, new = house.context, "anna@third.test"
    recovery_address.begin(ctx, account=anna, address=new, binding="here", origin=OWNER)
    taken = jobs.take(kinds=[notices.JOB], most=100, now=house.clock())
    Job.objects.filter(state=jobs.WAITING).update(taken_until=0)
    told = [unpacked(payload_of(house.context, job)) for job in taken]
    (code,) = [notice.code for notice in told if notice.code]
    confirm = recovery_address.confirm
    assert confirm(ctx, account=anna, binding="here", code=code, origin=OWNER) == new


def no_step(house: Installation, anna: Account) -> None:
    app = NewAuthenticator(name="", secret=b"sealed", step=7)
    second_steps.add(house.context, account=anna, new=app, origin=OWNER)
    (key,) = [step.key for step in second_steps.of(anna) if step.kind == StepKind.PHONE]
    assert second_steps.remove(house.context, account=anna, key=key, origin=OWNER)


ENDS = [changed, disabled, locked, no_address, another_address, no_step]


@pytest.mark.parametrize("what", [late, *ENDS])
def test_what_ends_a_link(
    house: Installation, anna: Account, what: Callable[[Installation, Account], None]
) -> None:
    turn_on(house, anna)
    token = link(house)
    assert password_reset.find(house.context, token=token) == anna
    what(house, anna)
    assert password_reset.find(house.context, token=token) is None
    assert use(house, token) is None
    if what not in (late, changed):
        assert letters(house) == [], "it is not even sent any more"


@pytest.mark.parametrize("what", ENDS)
def test_it_ends_for_a_browser_that_has_used_the_link(
    house: Installation, anna: Account, what: Callable[[Installation, Account], None]
) -> None:
    turn_on(house, anna)
    row = used(house)
    what(house, anna)
    anna.refresh_from_db()
    assert not password_reset_rows.holds(account=anna, reset_id=row.pk)
    with pytest.raises(NotAvailable):
        set_password(house, row, password=f"{NEW} too", second_step_at=house.clock())
    assert not opens(house, f"{NEW} too")


def test_of_ten_browsers_one_uses_it(house: Installation, anna: Account) -> None:
    token = link(house)
    tried: list[PasswordReset | None] = []

    def one() -> None:
        try:
            tried.append(use(house, token))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [row.account for row in tried if row] == [anna]


def test_with_two_step_on_a_second_step_is_needed(house: Installation, anna: Account) -> None:
    turn_on(house, anna)
    row = used(house)
    for stale in (None, house.clock() - 1):
        with pytest.raises(NotAvailable):
            set_password(house, row, second_step_at=stale)
    assert opens(house, PASSWORD)
    set_password(house, row, second_step_at=house.clock())
    assert opens(house, NEW)
    anna.refresh_from_db()
    assert anna.two_step


def test_a_recovery_stands_for_the_second_step_when_it_is_ripe(
    house: Installation, anna: Account
) -> None:
    turn_on(house, anna)
    recovery.begin(house.context, account=anna, origin=OWNER)
    house.clock.forward(seconds=WAIT / 1000 - 1)
    row = used(house)
    with pytest.raises(NotAvailable):
        set_password(house, row, recovery_token="")
    assert opens(house, PASSWORD)
    house.clock.forward(seconds=1)
    with pytest.raises(WeakPassword):
        set_password(house, row, password="short", recovery_token="")
    anna.refresh_from_db()
    assert anna.two_step
    set_password(house, row, recovery_token="")
    anna.refresh_from_db()
    assert not anna.two_step
    assert opens(house, NEW)


def test_nobody_waits_while_a_password_is_checked_and_hashed(
    house: Installation, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes long: once each time, and never inside a transaction."""
    seen: list[tuple[str, bool]] = []

    def holds(*_file_and_digest: object) -> bool:
        seen.append(("checked", connection.in_atomic_block))
        return False

    def hashed(secret: str) -> str:
        seen.append(("hashed", connection.in_atomic_block))
        return account_password.hash_password(secret)

    monkeypatch.setattr(breached, "holds", holds)
    monkeypatch.setattr(house.context.judge, "hash", hashed)
    house.add("bert@example.test")
    changed(house, anna)
    anna.refresh_from_db()
    set_password(house, used(house), password=f"{NEW} again")
    assert seen == [("checked", False), ("hashed", False)] * 3


def test_five_links_an_hour(house: Installation, anna: Account) -> None:
    del anna
    for _ in range(7):
        ask(house)
    answer(house)
    assert len(letters(house)) == 5
    house.clock.forward(seconds=3600)
    ask(house)
    answer(house)
    assert len(letters(house)) == 6
    assert PasswordReset.objects.count() == 6


def test_a_network_asks_twenty_times_an_hour(house: Installation, anna: Account) -> None:
    del anna
    tried = [ask(house, NOBODYS) for _ in range(MOST_FROM_A_NETWORK + 1)]
    assert tried == [True] * MOST_FROM_A_NETWORK + [False]
    assert not ask(house, ANNA)
    assert ask(house, origin=Origin(by="owner", address="198.51.100.4"))
    house.clock.forward(seconds=3601)
    assert ask(house)


def test_housekeeping_drops_what_is_over(house: Installation, anna: Account) -> None:
    token = link(house)
    RecoveryChange.objects.create(
        account=anna,
        address=ELSEWHERE,
        digest=b"x",
        asked_at=house.clock(),
        expires_at=house.clock() + LIFETIME,
    )
    keeping = Housekeeping(background=Background(), now=house.clock, grace=True)
    keeping._round()
    house.clock.forward(seconds=LIFETIME / 1000 - 1)
    row = use(house, token)
    assert row is not None
    assert RecoveryChange.objects.exists()
    house.clock.forward(seconds=600)
    keeping._round()
    assert not RecoveryChange.objects.exists()
    assert password_reset_rows.holds(account=anna, reset_id=row.pk), "its browser is at it"
    house.clock.forward(seconds=3600)
    keeping._round()
    assert not PasswordReset.objects.exists()
