"""The account's row as the lock of what is changed about it."""

from __future__ import annotations

from sidegate.storage.models import Account


def locked(account: Account | int) -> Account:
    """The account, or the one of an id, as it is now; locked until the transaction is over.

    It is the first lock that a transaction takes. What only names the account (an event, a code)
    waits for nobody here: FOR NO KEY UPDATE lets its foreign key be checked. FOR UPDATE would
    not, and whoever holds the lock of codes then would wait for us, and we for that lock.
    """
    account_id = account if isinstance(account, int) else account.pk
    return Account.objects.select_for_update(no_key=True).get(pk=account_id)
