"""The account that an argument names, and who acts on a command line."""

from __future__ import annotations

from sidegate.accounts import people
from sidegate.accounts.context import Origin
from sidegate.cli.errors import Failure
from sidegate.storage.models import Account

OPERATOR = Origin(by="operator", program="sidegate")


def account_of(address: str) -> Account:
    """Find the account; a command cannot go on without it."""
    account = people.find(address)
    if account is None:
        raise Failure(f"there is no account {address!r}; sidegate account list shows all")
    return account
