"""What may stand although the database went away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from installation import Installation
from sidegate.storage import counters
from sidegate.storage.models import Account
from sidegate.storage.outages import Writes


@pytest.fixture
def anna(installation_on_each: Installation) -> Account:
    return installation_on_each.add("anna@example.test")


@pytest.mark.usefixtures("anna")
def test_reading_and_locking_write_nothing() -> None:
    with connection.execute_wrapper(writes := Writes()):
        with transaction.atomic(), transaction.atomic():
            assert Account.objects.select_for_update().exists()
        with pytest.raises(ZeroDivisionError), transaction.atomic(), transaction.atomic():
            _ = 1 / Account.objects.filter(pk=0).count()
    assert not writes.begun


WRITTEN: dict[str, Callable[[Account], object]] = {
    "a row more": lambda account: account.totps.create(added_at=1, last_step=1, secret=b"s"),
    "a row changed": lambda account: account.save(),
    "a row less, though there is none": lambda account: account.totps.filter(pk=0).delete(),
    "in other words than Django's": lambda account: counters.mark(
        account_id=account.pk, network="192.0.2.0/24", now=1
    ),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_whatever_writes_is_noted(anna: Account, what: str) -> None:
    with connection.execute_wrapper(writes := Writes()):
        WRITTEN[what](anna)
        assert writes.begun
        assert Account.objects.exists()
    assert writes.begun
