"""The waiting recovery: told to everybody, stopped by each, finished by who began it."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from django.db import connection

from installation import OPERATOR, OWNER, Installation, install
from sidegate.accounts import lock_links, locking, notices, people, recovery, recovery_rows
from sidegate.accounts import two_step as two_step_actions
from sidegate.accounts.errors import NotAvailable, Wait
from sidegate.accounts.notice_words import words
from sidegate.accounts.notices import AGAIN_AFTER, Notice, unpacked
from sidegate.accounts.queue import payload_of
from sidegate.accounts.recovery_rows import Outcome
from sidegate.accounts.recovery_words import RIPE
from sidegate.decisions.recovery import OPEN_FOR, PAUSE, WAIT
from sidegate.events.catalogue import Kind
from sidegate.storage import jobs
from sidegate.storage.models import Account, Event, Job
from sidegate.storage.recovery_models import Recovery

ANNA = "anna@example.test"
ELSEWHERE = "anna@elsewhere.test"
LINK = re.compile(r"http://localhost:8025/stop/([A-Za-z0-9_-]{22})")
NEW_PASSWORD = "wooden kettle orange ferry"


@pytest.fixture
def house(installation_on_each: Installation) -> Installation:
    return installation_on_each


@pytest.fixture
def anna(house: Installation) -> Account:
    return with_two_step(house)


def with_two_step(house: Installation) -> Account:
    account = house.add(ANNA)
    two_step_actions.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    Account.objects.filter(pk=account.pk).update(recovery_address=ELSEWHERE)
    Job.objects.all().delete()
    house.clock.forward(seconds=601)  # a phone that was just added is not told
    account.refresh_from_db()
    return account


def begin(house: Installation, anna: Account) -> str:
    return recovery.begin(house.context, account=anna, origin=OWNER)


def finish(house: Installation, anna: Account, token: str = "", *, by_mail: bool = False) -> bool:
    return recovery.finish(
        house.context,
        account=anna,
        password_version=anna.password_version,
        token=token,
        by_mail=by_mail,
        origin=OWNER,
    )


def wait(house: Installation, milliseconds: int) -> None:
    house.clock.forward(seconds=milliseconds / 1000)


def messages(house: Installation) -> list[tuple[int, Notice]]:
    """Those that wait to be sent, and when each is due."""
    due = dict(Job.objects.values_list("pk", "due_at"))
    taken = jobs.take(kinds=[notices.JOB], most=100, now=house.clock() + WAIT)
    Job.objects.update(taken_until=0)
    return [(due[job.id], unpacked(payload_of(house.context, job))) for job in taken]


def token_in(notice: Notice) -> str:
    found = LINK.search(words(notice, service="Sidegate", url="http://localhost:8025").body)
    assert found, "no link that stops"
    return found[1]


def kinds() -> list[str]:
    return [*Event.objects.order_by("pk").values_list("kind", flat=True)]


def is_on(anna: Account) -> bool:
    anna.refresh_from_db()
    return anna.two_step


def test_after_48_hours_and_not_before(house: Installation, anna: Account) -> None:
    token = begin(house, anna)
    assert not finish(house, anna, token)
    wait(house, WAIT - 1)
    assert not finish(house, anna, token)
    assert is_on(anna)
    wait(house, 1)
    assert finish(house, anna, token)
    assert not is_on(anna)
    assert kinds()[-3:] == [Kind.RECOVERY_BEGAN, Kind.RECOVERY_FINISHED, Kind.TWO_STEP_OFF]
    assert not finish(house, anna, token)


def test_not_for_ever(house: Installation, anna: Account) -> None:
    token = begin(house, anna)
    wait(house, WAIT + OPEN_FOR)
    assert not finish(house, anna, token)
    assert recovery_rows.under_way(house.context, account=anna) is None
    begin(house, anna)
    assert Recovery.objects.filter(outcome=Outcome.OVER).count() == 1


def test_only_who_began_it_or_reads_the_recovery_address(
    house: Installation, anna: Account
) -> None:
    begin(house, anna)
    wait(house, WAIT)
    for token in ("", "x", "A" * 22):
        assert not finish(house, anna, token)
    assert finish(house, anna, by_mail=True)


def test_everybody_is_told_with_a_link_that_stops(house: Installation, anna: Account) -> None:
    begin(house, anna)
    now, told = house.clock(), messages(house)
    whens: list[tuple[int, str]] = [
        (now, Kind.RECOVERY_BEGAN),
        (now + AGAIN_AFTER, Kind.RECOVERY_BEGAN),
    ]
    whens += [(now + WAIT, RIPE)]
    for to in (ANNA, ELSEWHERE):
        assert [(due, notice.kind) for due, notice in told if notice.to == to] == whens
    assert len({notice.message_id for _, notice in told}) == 6
    (text,) = [sent["text"] for sent in house.sender.sent]
    assert "48 hours" in text
    by_phone = LINK.search(text)
    assert by_phone
    assert {token_in(notice) for _, notice in told} == {by_phone[1]}
    assert len(text) <= 160
    assert ANNA in words(told[0][1], service="Sidegate", url="").body


def test_a_link_stops_it_and_nothing_more_is_sent(house: Installation, anna: Account) -> None:
    token = begin(house, anna)
    link = token_in(messages(house)[0][1])
    assert recovery.find(house.context, token=link) == anna
    assert recovery.stop_by_link(house.context, token=link, origin=OWNER)
    assert not recovery.stop_by_link(house.context, token=link, origin=OWNER)
    assert {notice.kind for _, notice in messages(house)} == {Kind.RECOVERY_STOPPED}
    assert {notice.to for _, notice in messages(house)} == {ANNA, ELSEWHERE}
    wait(house, WAIT)
    assert not finish(house, anna, token, by_mail=True)
    assert is_on(anna)


def test_no_other_for_seven_days_after_a_stop(house: Installation, anna: Account) -> None:
    begin(house, anna)
    assert recovery.stop(house.context, account=anna, origin=OPERATOR)
    assert not recovery.stop(house.context, account=anna, origin=OPERATOR)
    with pytest.raises(Wait) as refused:
        begin(house, anna)
    assert refused.value.retry_at == house.clock() + PAUSE
    wait(house, PAUSE)
    begin(house, anna)


def test_a_new_password_ends_it_and_the_pause(house: Installation, anna: Account) -> None:
    begin(house, anna)
    recovery.stop(house.context, account=anna, origin=OWNER)
    change_password(house, anna)
    token = begin(house, anna)
    old = anna.password_version
    change_password(house, anna)
    assert recovery_rows.under_way(house.context, account=anna) is None
    assert RIPE not in {notice.kind for _, notice in messages(house)}
    wait(house, WAIT)
    assert not finish(house, anna, token)
    anna.password_version = old
    assert not finish(house, anna, token)
    assert is_on(anna)


def change_password(house: Installation, anna: Account) -> None:
    people.change_password(
        house.context,
        account=anna,
        password=f"{NEW_PASSWORD} {anna.password_version}",
        keep_app_passwords=True,
        origin=OWNER,
    )
    anna.refresh_from_db()


def test_one_at_a_time(house: Installation, anna: Account) -> None:
    begin(house, anna)
    sent = Job.objects.count()
    with pytest.raises(Wait):
        begin(house, anna)
    assert Job.objects.count() == sent
    assert Recovery.objects.count() == 1


def test_of_ten_browsers_at_once_one_begins_and_one_finishes(
    house: Installation, anna: Account
) -> None:
    def at_once(action: str) -> int:
        done: list[bool] = []

        def one() -> None:
            account = Account.objects.get(pk=anna.pk)
            try:
                if action == "begin":
                    begin(house, account)
                    done.append(True)
                else:
                    done.append(finish(house, account, by_mail=True))
            except Wait:
                pass
            finally:
                connection.close()

        threads = [threading.Thread(target=one) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(done)

    assert at_once("begin") == 1
    wait(house, WAIT)
    assert at_once("finish") == 1
    assert kinds().count(Kind.TWO_STEP_OFF) == 1


@pytest.mark.parametrize("by", ["rescue", "disabled", "locked"])
def test_what_ends_it_too(house: Installation, anna: Account, by: str) -> None:
    token = begin(house, anna)
    if by == "rescue":
        two_step_actions.turn_off(house.context, account=anna, origin=OPERATOR)
        two_step_actions.turn_on(
            house.context, account=anna, number="+37120000001", channel="sms", origin=OWNER
        )
    elif by == "disabled":
        people.set_enabled(house.context, account=anna, enabled=False, origin=OPERATOR)
    else:
        link = lock_links.new_link(house.context, account=anna).rpartition("/")[2]
        assert locking.lock(house.context, token=link, origin=OWNER)
    if by != "rescue":
        people.set_enabled(house.context, account=anna, enabled=True, origin=OPERATOR)
    wait(house, WAIT)
    assert not finish(house, anna, token, by_mail=True)
    assert is_on(anna)
    assert RIPE not in {notice.kind for _, notice in messages(house)}


def test_nothing_to_recover_without_two_step(installation: Installation) -> None:
    anna = installation.add(ANNA)
    with pytest.raises(NotAvailable):
        begin(installation, anna)


def test_none_where_nobody_could_be_told(tmp_path: Path) -> None:
    house = install(tmp_path, toml="[mailserver]\nprivate = false\n")
    anna = with_two_step(house)
    with pytest.raises(NotAvailable):
        begin(house, anna)
    assert not Recovery.objects.exists()


def test_nothing_of_its_links_is_stored_or_recorded(house: Installation, anna: Account) -> None:
    token = begin(house, anna)
    link = token_in(messages(house)[0][1])
    row = Recovery.objects.get()
    stored = bytes(row.browser_digest) + bytes(row.stop_digest)
    told = " ".join(str(values) for values in Event.objects.values_list())
    for secret in (token, link):
        assert secret.encode() not in stored
        assert secret not in told
    assert recovery.find(house.context, token=token) is None
    assert not recovery.began_here(house.context, account=anna, token=link)


def test_another_accounts_are_not_mine(house: Installation, anna: Account) -> None:
    bert = house.add("bert@example.test")
    two_step_actions.turn_on(
        house.context, account=bert, number="+37120000002", channel="sms", origin=OWNER
    )
    token = begin(house, anna)
    wait(house, WAIT)
    assert not finish(house, bert, token, by_mail=True)
    his = begin(house, bert)
    wait(house, WAIT)
    assert not finish(house, bert, token)
    assert is_on(bert)
    assert not finish(house, anna, his)
    assert finish(house, bert, his)


def test_old_ones_are_dropped_and_no_sooner(house: Installation, anna: Account) -> None:
    begin(house, anna)
    recovery.stop(house.context, account=anna, origin=OWNER)
    wait(house, PAUSE - 1)
    recovery_rows.forget_old(now=house.clock())
    assert Recovery.objects.count() == 1
    wait(house, 1)
    recovery_rows.forget_old(now=house.clock())
    assert not Recovery.objects.exists()
    begin(house, anna)
    wait(house, WAIT + OPEN_FOR - 1)
    recovery_rows.forget_old(now=house.clock())
    assert Recovery.objects.count() == 1
    wait(house, 1)
    recovery_rows.forget_old(now=house.clock())
    assert not Recovery.objects.exists()


@pytest.mark.parametrize("language", ["en", "lv"])
def test_the_messages_in_each_language(house: Installation, anna: Account, language: str) -> None:
    Account.objects.filter(pk=anna.pk).update(language=language)
    anna.refresh_from_db()
    begin(house, anna)
    for _, notice in messages(house):
        said = words(notice, service="Sidegate", url="http://localhost:8025")
        assert said.body.count("http://localhost:8025/stop/") == 1
        assert "%" not in said.body
        assert said.subject
    (sent,) = house.sender.sent
    assert len(sent["text"]) <= 160
    assert ("48 stund" in sent["text"]) is (language == "lv")
