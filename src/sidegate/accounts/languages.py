"""The language of messages: its owner's, never that of whoever acts just now.

A thief's browser asks for pages in his language; a warning in it would be lost on her.
"""

from __future__ import annotations

from sidegate.accounts.context import Context
from sidegate.storage.models import Account


def of_messages(ctx: Context, account: Account) -> str:
    """The one that she chose, then that of her own browser, then the installation's."""
    return account.language or account.seen_language or ctx.config.policy.refusal_language


def saw(account: Account, language: str) -> None:
    """Keep the language in which a browser of hers was just signed in."""
    Account.objects.filter(pk=account.pk).exclude(seen_language=language).update(
        seen_language=language
    )
    account.seen_language = language
