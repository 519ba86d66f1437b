"""Notices: written with what they tell of, in the owner's language, no vehicle for others."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from installation import OPERATOR, OWNER, PASSWORD, START, Installation, install
from mail_desk import run
from sidegate.accounts import (
    app_passwords,
    backup_codes,
    lock_links,
    locking,
    notices,
    people,
    phones,
    second_steps,
    two_step,
)
from sidegate.accounts.bell import Bell
from sidegate.accounts.job_runner import JobRunner
from sidegate.accounts.notice_jobs import NoticeHandler
from sidegate.accounts.notice_words import plain, words
from sidegate.accounts.notices import AGAIN_AFTER, MOST_AN_HOUR, Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.accounts.second_steps import NewAuthenticator, NewPhone
from sidegate.decisions.ports import NotTaken, Unavailable
from sidegate.events.catalogue import Kind
from sidegate.storage import jobs
from sidegate.storage.background import Background
from sidegate.storage.models import Account, Event, Job, LockLink, WebSession

ANNA = "anna@example.test"
LINK = re.compile(r"http://localhost:8025/lock/([A-Za-z0-9_=-]+)")


@pytest.fixture
def anna(installation_on_each: Installation) -> Account:
    return installation_on_each.add(ANNA)


def turn_on(house: Installation, account: Account) -> None:
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )


@dataclass
class Mailbox:
    """Keeps what it is sent, in place of a mail server; answers as told."""

    answers: list[Exception] = field(default_factory=list)
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def send(self, *, to: str, content: bytes) -> None:
        if self.answers:
            raise self.answers.pop(0)
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        self.taken.append((to, message))

    @property
    def subjects(self) -> list[str]:
        return [message["Subject"] for _, message in self.taken]

    def text(self, number: int = -1) -> str:
        return str(self.taken[number][1].get_content())


@asynccontextmanager
async def running(house: Installation, mailbox: Mailbox) -> AsyncIterator[None]:
    background = Background()
    handler = NoticeHandler(house.context, sender=mailbox)
    runner = JobRunner(
        handlers={notices.JOB: handler}, background=background, bell=Bell(), now=house.clock
    )
    runner.start()
    try:
        yield
    finally:
        await runner.stop()
        handler.close()
        background.close()


def send_due(house: Installation, mailbox: Mailbox, *, until: str = "sent", count: int = 1) -> None:
    """Run the jobs that are due, until so many have ended that way."""

    async def work() -> None:
        async with running(house, mailbox):
            deadline = time.monotonic() + 15
            while await asyncio.to_thread(_ended, until) < count:
                assert time.monotonic() < deadline, f"not {count} were {until}"
                await asyncio.sleep(0.05)

    run(work())


def _ended(state: str) -> int:
    try:
        if state == "put back":
            return Job.objects.filter(why="away", taken_until=0).count()
        return Job.objects.filter(state=state).count()
    finally:
        connection.close()


def test_a_change_is_told_at_once_and_once_more(
    installation_on_each: Installation, anna: Account
) -> None:
    house, mailbox = installation_on_each, Mailbox()
    turn_on(house, anna)
    send_due(house, mailbox)
    assert mailbox.subjects == ["2-Step Verification was turned on"]
    assert mailbox.taken[0][0] == ANNA
    house.clock.forward(seconds=AGAIN_AFTER / 1000 - 1)
    assert jobs.take(kinds=[notices.JOB], most=9, now=house.clock()) == []
    house.clock.forward(seconds=1)
    send_due(house, mailbox, count=2)
    first, second = mailbox.text(0), mailbox.text(1)
    assert "second message" in second
    assert "second message" not in first
    assert LINK.findall(first) == LINK.findall(second) != []
    ids = {message["Message-ID"] for _, message in mailbox.taken}
    assert len(ids) == 2
    assert not Job.objects.exclude(payload=None).exists()


def test_what_it_says(installation_on_each: Installation, anna: Account) -> None:
    house, mailbox = installation_on_each, Mailbox()
    anna.time_zone = "Europe/Riga"
    anna.save()
    turn_on(house, anna)
    app_passwords.make(house.context, account=anna, app="mail", device="ipad", origin=OWNER)
    Job.objects.filter(subject__endswith="two-step-on").delete()
    send_due(house, mailbox)
    text = LINK.sub("LINK", mailbox.text().replace("\r\n", "\n"))
    assert text == (
        "An app password was made.\n\n"
        "Account: anna@example.test\n"
        "App password: Mail · iPad\n"
        "When: 21 September 2026, 17:13 (UTC+03:00)\n"
        "Program: test browser\n"
        "Address: 192.0.2.7\n\n"
        "If it was you, there is nothing to do.\n\n"
        "If it was not you, lock your account with this link. That undoes what was changed from "
        "then on, and nothing opens your account, neither mail programs nor browsers, until "
        "whoever runs the mail server lets you in again:\n"
        "LINK\n\n"
        "-- \nSidegate\nhttp://localhost:8025\n"
    )


def test_each_change_tells_of_itself(installation_on_each: Installation, anna: Account) -> None:
    house = installation_on_each
    turn_on(house, anna)
    two_step.turn_off(house.context, account=anna, origin=OPERATOR)
    people.change_password(
        house.context,
        account=anna,
        password="another long password",
        keep_app_passwords=False,
        origin=OWNER,
    )
    told = Job.objects.filter(due_at=START).order_by("id").values_list("subject", flat=True)
    kinds = ["two-step-on", "two-step-off", "password-changed"]
    assert list(told) == [f"notice:{anna.pk}:{kind}" for kind in kinds]
    mailbox = Mailbox()
    send_due(house, mailbox, count=3)
    assert any("By: whoever runs the mail server" in str(m.get_content()) for _, m in mailbox.taken)


def test_what_was_not_done_is_not_told(installation_on_each: Installation, anna: Account) -> None:
    house = installation_on_each
    with transaction.atomic():
        turn_on(house, anna)
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert not LockLink.objects.exists()
    two_step.turn_off(house.context, account=anna, origin=OWNER)  # it was off already
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("chosen", "seen", "page", "title"),
    [
        ("lv", "en", "en", "Divpakāpju verifikācija ieslēgta"),
        ("", "lv", "en", "Divpakāpju verifikācija ieslēgta"),
        ("", "", "lv", "2-Step Verification was turned on"),
        ("en", "lv", "lv", "2-Step Verification was turned on"),
    ],
)
def test_in_the_owners_language(
    installation: Installation, chosen: str, seen: str, page: str, title: str
) -> None:
    """Never in that of the page, which whoever acts has chosen."""
    anna = installation.add(ANNA)
    anna.language, anna.seen_language = chosen, seen
    with translation.override(page):
        turn_on(installation, anna)
    mailbox = Mailbox()
    send_due(installation, mailbox)
    assert mailbox.subjects == [title]


def test_at_most_so_many_an_hour(installation_on_each: Installation, anna: Account) -> None:
    house = installation_on_each
    turn_on(house, anna)
    for _ in range(MOST_AN_HOUR + 2):
        app_passwords.make(house.context, account=anna, app="mail", device="mac", origin=OWNER)
    made = Job.objects.filter(subject__endswith="app-password-made")
    assert made.count() == 2 * MOST_AN_HOUR
    two_step.turn_off(house.context, account=anna, origin=OWNER)  # one kind hides no other
    assert Job.objects.filter(subject__endswith="two-step-off").count() == 2
    house.clock.forward(seconds=3601)
    turn_on(house, anna)
    app_passwords.make(house.context, account=anna, app="mail", device="mac", origin=OWNER)
    assert made.count() == 2 * MOST_AN_HOUR + 2


ELSEWHERE = "anna@elsewhere.test"


def change_password(house: Installation, account: Account, number: int = 1) -> None:
    people.change_password(
        house.context,
        account=account,
        password=f"another long password {number}",
        keep_app_passwords=True,
        origin=OWNER,
    )


def waiting(house: Installation) -> list[Notice]:
    """Every notice that waits, whenever it is due."""
    taken = jobs.take(kinds=[notices.JOB], most=200, now=house.clock() + AGAIN_AFTER)
    return [unpacked(payload_of(house.context, job)) for job in taken]


def shut_out(house: Installation, account: Account) -> None:
    """What keeps an owner out of her mailbox, one after the other."""
    turn_on(house, account)
    one = NewAuthenticator(name="", secret=b"sealed", step=1)
    second_steps.add(house.context, account=account, new=one, origin=OWNER)
    key = second_steps.full(account)[0].key
    second_steps.remove(house.context, account=account, key=key, origin=OWNER)
    phone = second_steps.full(account)[0]
    new = NewPhone(number="+37120000009", channel="sms")
    phones.add(house.context, account=account, new=new, replaces=phone, origin=OWNER)
    backup_codes.turn_on(house.context, account=account, codes=["a"], origin=OWNER)
    change_password(house, account)
    two_step.turn_off(house.context, account=account, origin=OWNER)


def test_what_may_shut_her_out_is_told_elsewhere_too(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    anna.recovery_address = ELSEWHERE
    anna.save()
    shut_out(house, anna)
    turn_on(house, anna)
    app_passwords.make(house.context, account=anna, app="mail", device="mac", origin=OWNER)
    told = waiting(house)
    here = [one.kind for one in told if one.to == ANNA]
    there = [one.kind for one in told if one.to == ELSEWHERE]
    assert Counter(here) - Counter(there) == {Kind.APP_PASSWORD_MADE: 2}
    assert {*there} == {
        Kind.TWO_STEP_ON,
        Kind.TWO_STEP_OFF,
        Kind.SECOND_STEP_ADDED,
        Kind.SECOND_STEP_REMOVED,
        Kind.BACKUP_CODES_MADE,
        Kind.PHONE_CHANGED,
        Kind.PASSWORD_CHANGED,
    }
    assert all(LINK.search(one.link) and one.account == ANNA for one in told)


def test_each_mailbox_has_its_own_limit(installation_on_each: Installation, anna: Account) -> None:
    house = installation_on_each
    anna.recovery_address = ELSEWHERE
    anna.save()
    for number in range(MOST_AN_HOUR + 1):
        change_password(house, anna, number)
    told = Counter(one.to for one in waiting(house))
    assert told == {ANNA: 2 * MOST_AN_HOUR, ELSEWHERE: 2 * MOST_AN_HOUR}
    subjects = Job.objects.values_list("subject", flat=True)
    assert not any(ELSEWHERE in subject for subject in subjects)
    longest = f"notice:{2**63 - 1}:{max(Kind, key=len)}:"
    room = (Job._meta.get_field("subject").max_length or 0) - len(longest)
    assert {len(said.split(":")[-1]) for said in subjects if said.count(":") == 3} == {room}


def test_an_outage_only_delays_it_and_a_crash_loses_nothing(
    installation_on_each: Installation, anna: Account
) -> None:
    house, mailbox = installation_on_each, Mailbox([Unavailable("away")])
    turn_on(house, anna)
    send_due(house, mailbox, until="put back")
    assert mailbox.taken == []
    # Another process, later: the first one died with the job in its hands.
    Job.objects.filter(why="away").update(taken_until=house.clock() + 20_000)
    house.clock.forward(seconds=21)
    send_due(house, mailbox)
    assert mailbox.subjects == ["2-Step Verification was turned on"]


def test_what_is_never_taken_is_given_up(installation: Installation) -> None:
    turn_on(installation, installation.add(ANNA))
    mailbox = Mailbox([NotTaken("550 nobody")])
    send_due(installation, mailbox, until="failed")
    assert mailbox.taken == []


def test_without_a_way_out_nothing_is_written(tmp_path: Path) -> None:
    house = install(tmp_path / "data", toml="[mailserver]\nprivate = false\n")
    turn_on(house, house.add(ANNA))
    assert not Job.objects.exists()
    assert not LockLink.objects.exists()


# The link ------------------------------------------------------------------------------------


def token_of(house: Installation) -> str:
    """The token in the newest notice, as it waits sealed."""
    taken = jobs.take(kinds=[notices.JOB], most=50, now=house.clock() + AGAIN_AFTER)
    newest = max(taken, key=lambda job: job.id)
    return urlsplit(unpacked(payload_of(house.context, newest)).link).path.rpartition("/")[2]


def test_the_link_locks_once(installation_on_each: Installation, anna: Account) -> None:
    house = installation_on_each
    turn_on(house, anna)
    old = app_passwords.make(house.context, account=anna, app="mail", device="mac", origin=OWNER)
    house.clock.forward(seconds=60)
    new = app_passwords.make(house.context, account=anna, app="mail", device="ipad", origin=OWNER)
    WebSession.objects.create(
        key_digest="a" * 64, account=anna, data="", created_at=1, seen_at=1, expires_at=2**60
    )
    token = token_of(house)
    assert locking.lock(house.context, token=token, origin=OWNER)
    anna.refresh_from_db()
    assert (anna.enabled, anna.locked_at) == (False, house.clock())
    assert [row.pk for row in app_passwords.active(anna)] == [old.id]
    assert anna.app_passwords.get(pk=new.id).revoked_at == house.clock()
    assert not WebSession.objects.exists()
    assert Event.objects.filter(kind="account-locked", account=anna).count() == 1
    assert not locking.lock(house.context, token=token, origin=OWNER)
    assert not LockLink.objects.filter(used_at=None).exists()
    assert people.set_enabled(house.context, account=anna, enabled=True, origin=OPERATOR)
    anna.refresh_from_db()
    assert (anna.enabled, anna.locked_at) == (True, None)


def test_two_browsers_at_once_lock_once(
    installation_on_each: Installation, anna: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one looked before the first one's lock was committed."""
    house = installation_on_each
    turn_on(house, anna)
    token = token_of(house)
    seen = lock_links.find(house.context, token=token)
    assert locking.lock(house.context, token=token, origin=OWNER)
    monkeypatch.setattr(locking, "find", lambda *_, **__: seen)
    assert not locking.lock(house.context, token=token, origin=OWNER)
    assert Event.objects.filter(kind="account-locked").count() == 1


def test_a_link_ends_and_no_other_text_is_one(
    installation_on_each: Installation, anna: Account
) -> None:
    house = installation_on_each
    turn_on(house, anna)
    token = token_of(house)
    for other in ("", "x", token[:-1], token + "A", "\ud800", "a" * 10_000):
        assert lock_links.find(house.context, token=other) is None
    assert lock_links.find(house.context, token=token) is not None
    house.clock.forward(seconds=lock_links.LIFETIME / 1000)
    assert lock_links.find(house.context, token=token) is None
    assert not locking.lock(house.context, token=token, origin=OWNER)
    anna.refresh_from_db()
    assert anna.enabled


def test_the_token_is_kept_nowhere(installation: Installation) -> None:
    turn_on(installation, installation.add(ANNA))
    token = token_of(installation)
    link = LockLink.objects.get()
    assert token.encode() not in bytes(link.digest)
    for job in Job.objects.all():
        assert token.encode() not in bytes(job.payload or b"")
    assert token not in repr(Notice("two-step-on", ANNA, "en", "id", 1, link=token))


# Its words -----------------------------------------------------------------------------------

PROGRAMS = {
    "Thunderbird 128.0.1": "Thunderbird 128.0.1",
    "K-9 Mail (6.8)": "K-9 Mail (6.8)",
    "com.samsung.android.email": "com samsung android email",
    "Pasta programma Ēriks": "Pasta programma Ēriks",
    "see https://evil.example/x?y=1 now": "see https evil example x y 1 now",
    "www.evil.example": "www evil example",
    "a@b.example": "a b example",
    "<b>x</b>": "b x b",
    "x" * 200: "x" * 60,
    "a\r\nBcc: b": "a Bcc b",
    "": "",
}


@pytest.mark.parametrize(("program", "shown"), PROGRAMS.items())
def test_a_programs_words_lead_nowhere(program: str, shown: str) -> None:
    assert plain(program) == shown


def notice(**told: str) -> Notice:
    plain_one = Notice(
        kind=Kind.MAIL_PASSWORD_RIGHT,
        to=ANNA,
        language="en",
        message_id="id",
        at=START,
        protocol="imap",
        link="http://localhost:8025/security/app-passwords?app=mail&device=iphone",
    )
    return replace(plain_one, **told)  # type: ignore[arg-type]  # texts, by the test's own names


@given(program=st.text(max_size=300), address=st.text(max_size=60))
def test_nothing_that_is_told_changes_the_shape(program: str, address: str) -> None:
    usual = words(notice(), service="Sidegate", url="http://localhost:8025")
    told = words(
        notice(program=program, address=address), service="Sidegate", url="http://localhost:8025"
    )
    assert told.subject == usual.subject
    assert told.body.count("://") == usual.body.count("://")
    assert len(told.body.splitlines()) <= len(usual.body.splitlines()) + 1


def test_a_program_that_waits_for_an_app_password() -> None:
    said = words(
        notice(program="iPhone Mail 21F90", address="192.0.2.7"), service="Mail", url="http://x"
    )
    assert said.subject == "A mail program needs an app password"
    assert "Program: iPhone Mail 21F90 (IMAP)\nAddress: 192.0.2.7" in said.body
    assert "device=iphone" in said.body
    assert "lock your account" not in said.body


def test_a_sign_in_from_somewhere_new() -> None:
    said = words(
        notice(kind=Kind.WEB_SIGNED_IN, program="Firefox on Mac", protocol="", link="LINK"),
        service="Mail",
        url="http://x",
    )
    assert said.subject == "Sign-in from a new browser"
    assert said.body.startswith("Somebody signed in to your account pages from a browser")
    assert "Program: Firefox on Mac\n" in said.body
    assert "lock your account with this link" in said.body
    said = words(
        notice(
            kind=Kind.MAIL_NEW_NETWORK,
            app="mail",
            device="mac",
            label="My <b>laptop</b> www.evil.example",
            program="Thunderbird",
            address="198.51.100.9",
        ),
        service="Mail",
        url="http://x",
    )
    assert "App password: My b laptop b www evil example\n" in said.body
    assert "Program: Thunderbird (IMAP)\nAddress: 198.51.100.9" in said.body
    assert "revoke this app password" in said.body


def test_a_changed_number_is_told_with_the_new_one(installation: Installation) -> None:
    anna = installation.add(ANNA)
    turn_on(installation, anna)
    step = second_steps.full(anna)[0]
    number = NewPhone(number="+37120000009", channel="sms")
    phones.add(
        installation.context,
        account=anna,
        new=number,
        replaces=step,
        origin=OWNER,
    )
    Job.objects.filter(subject__endswith="two-step-on").delete()
    mailbox = Mailbox()
    send_due(installation, mailbox)
    assert mailbox.subjects == ["The number of a phone was changed"]
    text = mailbox.text().replace("\r\n", "\n")
    assert "Second step: Phone\nPhone number: ••• •• 09\n" in text
    assert number.number not in text


def test_a_notice_travels_whole() -> None:
    assert unpacked(notice(program="x").packed()) == notice(program="x")
    assert PASSWORD not in repr(notice(program=PASSWORD))
