"""Trust that comes after what ends it: two requests at once, one after the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from installation import OPERATOR, OWNER, Installation
from sidegate.accounts import people, trusted_browsers, two_step
from sidegate.storage.models import Account
from sidegate.storage.second_step_models import TrustedBrowser


@pytest.fixture
def house(installation_on_each: Installation) -> Installation:
    return installation_on_each


@pytest.fixture
def anna(house: Installation) -> Account:
    account = house.add()
    on(house, account)
    return account


def on(house: Installation, account: Account) -> None:
    ctx, number = house.context, "+37120000000"
    assert two_step.turn_on(ctx, account=account, number=number, channel="sms", origin=OWNER)


def trust(house: Installation, account: Account) -> str | None:
    return trusted_browsers.trust(house.context, account=account, origin=OWNER)


def password(house: Installation, account: Account) -> None:
    new = "wooden kettle orange ferry"
    people.change_password(
        house.context, account=account, password=new, keep_app_passwords=True, origin=OWNER
    )


def off_and_on(house: Installation, account: Account) -> None:
    house.clock.forward(seconds=1)
    two_step.turn_off(house.context, account=account, origin=OWNER)
    on(house, account)


def disabled(house: Installation, account: Account) -> None:
    people.set_enabled(house.context, account=account, enabled=False, origin=OPERATOR)


@pytest.mark.parametrize("what", [password, off_and_on, disabled])
def test_trust_comes_too_late(
    house: Installation, anna: Account, what: Callable[[Installation, Account], None]
) -> None:
    """The code was right; before the browser is trusted, another one changes the account."""
    what(house, Account.objects.get(pk=anna.pk))
    assert trust(house, anna) is None
    assert not TrustedBrowser.objects.exists()


def test_trust_from_before_two_step_came_on_is_over(house: Installation, anna: Account) -> None:
    token = trust(house, anna)
    assert token is not None
    assert trusted_browsers.find(house.context, account=anna, token=token)
    house.clock.forward(seconds=1)
    Account.objects.filter(pk=anna.pk).update(two_step_since=house.clock())
    anna.refresh_from_db()
    assert trusted_browsers.find(house.context, account=anna, token=token) is None
    assert trusted_browsers.of(house.context, anna) == []
