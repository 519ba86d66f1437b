"""Accounts: added, found, disabled; their passwords changed."""

from __future__ import annotations

import pytest

from installation import OPERATOR, OWNER, PASSWORD, START, Installation
from sidegate.accounts import app_passwords, people, two_step, web_sign_in
from sidegate.accounts.errors import AddressTaken, BadAddress, WeakPassword
from sidegate.accounts.web_sign_in import RightPassword, WrongPassword
from sidegate.storage.models import Account, Event, WebSession


def kinds() -> list[str]:
    return list(Event.objects.order_by("pk").values_list("kind", flat=True))


def session(account: Account, key: str) -> WebSession:
    return WebSession.objects.create(
        key_digest=key, account=account, data="", created_at=0, seen_at=0, expires_at=2**40
    )


def test_an_account_is_found_under_every_spelling(installation_on_each: Installation) -> None:
    account = installation_on_each.add("Anna@Example.TEST")
    assert account.address == "anna@example.test"
    for login in ("anna@example.test", "ANNA@EXAMPLE.TEST", "anna+x@example.test"):
        assert people.find(login) == account
    for login in ("anna", "", "berta@example.test", "\0", "\ud800@example.test"):
        assert people.find(login) is None
    assert kinds() == ["account-added"]


def test_an_address_is_taken_once(installation_on_each: Installation) -> None:
    installation_on_each.add("anna@example.test")
    with pytest.raises(AddressTaken):
        installation_on_each.add("ANNA@example.test")
    assert Account.objects.count() == 1
    assert kinds() == ["account-added"]


BAD = [
    "",
    "anna",
    "anna@",
    "@example.test",
    "an na@example.test",
    "anna+x@example.test",
    "a\0@b.test",
]


@pytest.mark.parametrize("address", BAD)
def test_what_is_no_address_is_no_account(installation: Installation, address: str) -> None:
    with pytest.raises(BadAddress):
        installation.add(address)


WEAK = [
    "",
    "1234567",
    "password123",
    "anna.anna@example.test",
    "ANNA.ANNA@example.test",
    "anna.anna",
    "x" * 257,
]


@pytest.mark.parametrize("password", WEAK)
def test_weak_passwords_are_refused_and_not_repeated(
    installation: Installation, password: str
) -> None:
    with pytest.raises(WeakPassword) as problem:
        installation.add("anna.anna@example.test", password)
    assert not password or password not in str(problem.value)


def test_a_disabled_account_is_signed_out(installation_on_each: Installation) -> None:
    house = installation_on_each
    account, other = house.add(), house.add("berta@example.test")
    session(account, "a")
    session(other, "b")
    assert people.set_enabled(house.context, account=account, enabled=False, origin=OPERATOR)
    assert not people.set_enabled(house.context, account=account, enabled=False, origin=OPERATOR)
    assert [row.key_digest for row in WebSession.objects.all()] == ["b"]
    assert people.set_enabled(house.context, account=account, enabled=True, origin=OPERATOR)
    assert kinds()[2:] == ["account-disabled", "account-enabled"]


@pytest.mark.parametrize("keep", [True, False])
def test_a_new_password_takes_the_app_passwords_with_it_unless_kept(
    installation_on_each: Installation,
    keep: bool,  # noqa: FBT001 - a column
) -> None:
    house = installation_on_each
    account = house.add()
    two_step.turn_on(
        house.context, account=account, number="+37120000000", channel="sms", origin=OWNER
    )
    for _ in range(2):
        app_passwords.make(house.context, account=account, app="mail", device="mac", origin=OWNER)
    session(account, "this browser")
    session(account, "another")
    house.clock.forward(seconds=1)
    people.change_password(
        house.context,
        account=account,
        password="another good passphrase",
        keep_app_passwords=keep,
        origin=OWNER,
        keep_session="this browser",
    )
    assert len(app_passwords.active(account)) == (2 if keep else 0)
    assert [row.key_digest for row in WebSession.objects.all()] == ["this browser"]
    changed = Account.objects.get()
    assert (changed.password_version, changed.password_changed_at) == (2, START + 1000)
    assert changed.two_step
    assert kinds().count("app-password-revoked") == (0 if keep else 2)
    assert kinds().count("password-changed") == 1
    old = web_sign_in.check_password(
        house.context, login=account.address, secret=PASSWORD, origin=OWNER
    )
    new = web_sign_in.check_password(
        house.context, login=account.address, secret="another good passphrase", origin=OWNER
    )
    assert (old, new) == (WrongPassword(), RightPassword(changed))


def test_a_weak_new_password_changes_nothing(installation: Installation) -> None:
    account = installation.add()
    with pytest.raises(WeakPassword):
        people.change_password(
            installation.context,
            account=account,
            password="short",
            keep_app_passwords=False,
            origin=OWNER,
        )
    assert Account.objects.get().password_hash == account.password_hash
    assert kinds() == ["account-added"]
