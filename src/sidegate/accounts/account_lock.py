"""The account's row as the lock of what is changed about it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from sidegate.accounts.errors import NotAvailable
from sidegate.storage.models import Account


def locked(account: Account | int) -> Account:
    """The account, or the one of an id, as it is now; locked until the transaction is over.

    It is the first lock that a transaction takes. What only names the account (an event, a code)
    waits for nobody here: FOR NO KEY UPDATE lets its foreign key be checked. FOR UPDATE would
    not, and whoever holds the lock of codes then would wait for us, and we for that lock.
    """
    account_id = account if isinstance(account, int) else account.pk
    return Account.objects.select_for_update(no_key=True).get(pk=account_id)


def unchanged(before: Account, now: Account) -> bool:
    """Whether nothing was taken away that a sign-in may rest on, which was given `before`.

    The password, 2-step, a second step: whichever it was, so that none has to be looked for.
    """
    return now.enabled and _ways_in(now) == _ways_in(before)


def _ways_in(account: Account) -> tuple[int, int | None, int]:
    return account.password_version, account.two_step_since, account.steps_removed


def locked_enabled(account: Account) -> Account:
    """The same, for a change by its owner. Raises `NotAvailable` where it was disabled meanwhile.

    What a thief has under way must not come after the link that undoes his other changes.
    """
    current = locked(account)
    if not current.enabled:
        raise NotAvailable(_("The account was disabled"))
    return current
