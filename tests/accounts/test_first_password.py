"""A password that somebody else made: known as such, and its file gone with it."""

import logging
from pathlib import Path

import pytest

from installation import OPERATOR, OWNER, Installation
from sidegate.accounts import first_password, people
from sidegate.accounts.context import Origin
from sidegate.storage import schema
from sidegate.storage.models import Account


def change(house: Installation, account: Account, *, origin: Origin) -> None:
    people.change_password(
        house.context,
        account=account,
        password="a quite different phrase",
        keep_app_passwords=False,
        origin=origin,
    )


def given(account: Account) -> bool:
    account.refresh_from_db()
    return account.password_given


def test_only_its_owners_choice_is_not_given(installation_on_each: Installation) -> None:
    account = installation_on_each.add()
    assert given(account)
    change(installation_on_each, account, origin=OWNER)
    assert not given(account)
    change(installation_on_each, account, origin=OPERATOR)
    assert given(account)


def test_who_has_no_password_here_was_given_none(installation: Installation) -> None:
    account = people.ensure(installation.context, name="berta@example.test", origin=OWNER)
    assert not given(account)


@pytest.mark.parametrize("origin", [OWNER, OPERATOR], ids=["owner", "operator"])
def test_the_file_goes_with_its_password(installation: Installation, origin: Origin) -> None:
    data = installation.context.config.data
    first, other = installation.add(), installation.add("berta@example.test")
    file = first_password.keep(data, address=first.address, password="abcd-efgh")
    assert file.read_text() == "anna@example.test\nabcd-efgh\n"
    assert file.stat().st_mode & 0o777 == 0o600
    change(installation, other, origin=origin)
    first_password.forget(data)
    assert file.exists()
    change(installation, first, origin=origin)
    assert not file.exists()


def test_a_start_removes_what_another_host_could_not(installation: Installation) -> None:
    data, account = installation.context.config.data, installation.add()
    first_password.forget(data)
    file = first_password.keep(data, address=account.address, password="abcd-efgh")
    Account.objects.update(password_version=2)
    first_password.forget(data)
    assert not file.exists()
    file = first_password.keep(data, address="gone@example.test", password="abcd-efgh")
    first_password.forget(data)
    assert not file.exists()


def test_a_file_that_cannot_be_removed_is_said(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data, account = installation.context.config.data, installation.add()
    first_password.keep(data, address=account.address, password="abcd-efgh")

    def refused(_path: Path, *, missing_ok: bool) -> None:
        raise PermissionError(13, f"no leave, {missing_ok}")

    monkeypatch.setattr(Path, "unlink", refused)
    with caplog.at_level(logging.WARNING):
        change(installation, account, origin=OWNER)
    assert "first-account.txt holds an old password" in caplog.text
    assert "abcd" not in caplog.text


def test_first_passwords_from_before_are_known_as_given(installation: Installation) -> None:
    from importlib import import_module  # noqa: PLC0415 - one test needs it

    from django.apps import apps  # noqa: PLC0415 - the same

    never, changed = installation.add(), installation.add("berta@example.test")
    change(installation, changed, origin=OWNER)
    elsewhere = people.ensure(installation.context, name="celia@example.test", origin=OWNER)
    Account.objects.update(password_given=False)
    migration = import_module("sidegate.storage.migrations.0018_password_given")
    migration.first_passwords_were_given(apps, None)
    assert [given(one) for one in (never, changed, elsewhere)] == [True, False, False]
    assert not schema.pending()
