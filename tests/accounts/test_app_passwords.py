"""App passwords and 2-step: when they exist, how many, and what ends them."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from installation import OWNER, START, Installation
from sidegate.accounts import activity, app_passwords, phone_numbers, two_step
from sidegate.accounts.app_password_choices import Choices
from sidegate.accounts.app_passwords import Made
from sidegate.accounts.errors import NotAvailable, TooManyAppPasswords
from sidegate.events.catalogue import Kind
from sidegate.factors import app_password
from sidegate.storage.models import Account, AppPassword, Event, Phone

NUMBER = "+37120000000"


def turn_on(house: Installation, account: Account) -> bool:
    return two_step.turn_on(
        house.context, account=account, number=NUMBER, channel="voice", origin=OWNER
    )


def make(house: Installation, account: Account) -> Made:
    return app_passwords.make(
        house.context, account=account, app="mail", device="windows", origin=OWNER
    )


def kinds(account: Account) -> list[str]:
    return [event.kind for event in activity.recent(account, limit=100)][::-1]


def test_made_shown_once_and_stored_as_a_digest(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    turn_on(house, account)
    made = make(house, account)
    assert app_password.normalise(made.secret) == made.secret
    assert len(made.secret) == 16
    assert made.secret not in repr(made)
    [row] = app_passwords.active(account)
    assert row.pk == made.id
    assert bytes(row.digest) == app_password.digest(
        key=house.context.keys.current, account_id=account.pk, letters=made.secret
    )
    assert made.secret not in repr(AppPassword.objects.values())
    assert (row.scopes, row.created_at) == ("imap,pop3,submission", START)
    assert app_passwords.name(row) == "Mail \u00b7 Windows Computer"
    assert kinds(account)[-1] == "app-password-made"


def test_there_are_none_while_two_step_is_off(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    assert "2-Step Verification" in str(app_passwords.why_not(house.context, account))
    with pytest.raises(NotAvailable):
        make(house, account)
    turn_on(house, account)
    assert app_passwords.why_not(house.context, account) is None
    stale = Account.objects.get()
    two_step.turn_off(house.context, account=account, origin=OWNER)
    with pytest.raises(NotAvailable):
        make(house, stale)
    assert not AppPassword.objects.exists()


@pytest.mark.parametrize(
    ("app", "device", "scopes"),
    [
        ("x", "mac", {"imap"}),
        ("mail", "x", {"imap"}),
        ("mail", "mac", {"dav"}),
    ],
)
def test_only_what_is_in_the_lists(
    installation: Installation, app: str, device: str, scopes: set[str]
) -> None:
    account = installation.add()
    turn_on(installation, account)
    with pytest.raises(ValueError, match="not in the list"):
        app_passwords.make(
            installation.context,
            account=account,
            app=app,
            device=device,
            choices=Choices(scopes=frozenset(scopes)),
            origin=OWNER,
        )


def test_fifty_and_no_more_even_at_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    turn_on(house, account)
    for _ in range(app_passwords.MOST - 2):
        make(house, account)
    start = threading.Barrier(6)
    refused: list[TooManyAppPasswords] = []

    def one() -> None:
        start.wait()
        try:
            make(house, account)
        except TooManyAppPasswords as problem:
            refused.append(problem)
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4
    rows = app_passwords.active(account)
    assert len(rows) == app_passwords.MOST == 50
    assert app_passwords.revoke(
        house.context, account=account, app_password_id=rows[0].pk, origin=OWNER
    )
    make(house, account)


def test_revoked_once_and_only_by_its_owner(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna, berta = house.add(), house.add("berta@example.test")
    turn_on(house, anna)
    made = make(house, anna)

    def revoke(account: Account, app_password_id: int) -> bool:
        return app_passwords.revoke(
            house.context, account=account, app_password_id=app_password_id, origin=OWNER
        )

    assert not revoke(berta, made.id)
    assert not revoke(anna, made.id + 1)
    assert [row.pk for row in app_passwords.active(anna)] == [made.id]
    assert revoke(anna, made.id)
    assert not revoke(anna, made.id)
    assert app_passwords.active(anna) == []
    assert kinds(anna).count("app-password-revoked") == 1
    assert kinds(berta) == ["account-added"]


def test_turning_off_revokes_all_and_forgets_the_phone(
    installation_on_each: Installation,
) -> None:
    house = installation_on_each
    account = house.add()
    assert turn_on(house, account)
    assert account.two_step
    assert not turn_on(house, account), "on already"
    [phone] = phone_numbers.phones(account)
    assert (phone.number, phone.channel) == (NUMBER, "voice")
    first, _ = make(house, account), make(house, account)
    app_passwords.revoke(house.context, account=account, app_password_id=first.id, origin=OWNER)
    make(house, account)
    assert two_step.turn_off(house.context, account=account, origin=OWNER) == 2
    assert not account.two_step
    assert app_passwords.active(account) == []
    assert not Phone.objects.exists()
    assert two_step.turn_off(house.context, account=account, origin=OWNER) == 0
    assert kinds(account) == [
        "account-added",
        "two-step-on",
        "app-password-made",
        "app-password-made",
        "app-password-revoked",
        "app-password-made",
        "app-password-revoked",
        "app-password-revoked",
        "two-step-off",
    ]
    on = Event.objects.get(kind="two-step-on")
    assert "20000000" not in on.detail
    assert '"channel": "voice"' in on.detail


def test_on_twice_at_once_is_on_once(installation_on_each: Installation) -> None:
    house = installation_on_each
    account = house.add()
    start = threading.Barrier(5)
    turned: list[bool] = []

    def one() -> None:
        start.wait()
        turned.append(turn_on(house, Account.objects.get()))
        connection.close()

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(turned) == [False] * 4 + [True]
    assert kinds(account).count("two-step-on") == 1
    assert Phone.objects.count() == 1


def test_activity_is_the_accounts_own_newest_first(installation_on_each: Installation) -> None:
    house = installation_on_each
    anna, berta = house.add(), house.add("berta@example.test")
    turn_on(house, anna)
    made = make(house, anna)
    events = activity.recent(anna, limit=2)
    assert [event.kind for event in events] == ["app-password-made", "two-step-on"]
    assert events[0].app_password is not None
    assert events[0].app_password.pk == made.id
    [older] = activity.recent(anna, limit=2, before_id=events[-1].pk)
    assert older.kind == "account-added"
    [changed] = activity.recent(anna, limit=1, without=[Kind.APP_PASSWORD_MADE])
    assert changed.kind == "two-step-on"
    assert [event.kind for event in activity.recent(berta, limit=9)] == ["account-added"]
    everything = activity.since(account=None, at=START)
    assert [event.kind for event in everything] == [
        "account-added",
        "account-added",
        "two-step-on",
        "app-password-made",
    ]
    assert activity.since(account=berta, at=START).count() == 1
    assert not activity.since(account=None, at=START + 1).exists()
    assert activity.since(account=None, at=START, after_id=events[-1].pk).count() == 1
