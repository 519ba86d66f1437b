"""What an owner says of herself: name, language, time zone."""

from __future__ import annotations

from django.db import transaction

from sidegate.accounts import languages
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.notices import tell_of_change
from sidegate.events.catalogue import Kind, tidy
from sidegate.storage.models import Account


def set_name(ctx: Context, *, account: Account, name: str, origin: Origin) -> None:
    """The name that pages greet her by; empty for none."""
    _set(ctx, account, origin, name=tidy(name))


def set_language(ctx: Context, *, account: Account, language: str, origin: Origin) -> None:
    """The language of pages and messages; empty for the browser's.

    She is told in the earlier one: a thief's next change is told in his.
    """
    before, now = languages.of_messages(ctx, account), language or account.seen_language
    with transaction.atomic():
        if before != (now or ctx.config.policy.refusal_language):
            tell_of_change(ctx, account=account, kind=Kind.PERSONAL_CHANGED, origin=origin)
        _set(ctx, account, origin, language=language)


def set_time_zone(ctx: Context, *, account: Account, time_zone: str, origin: Origin) -> None:
    """The time zone of her pages; empty for the machine's."""
    _set(ctx, account, origin, time_zone=time_zone)


def _set(ctx: Context, account: Account, origin: Origin, **values: str) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(**values)
        note(ctx, kind=Kind.PERSONAL_CHANGED, account_id=account.pk, origin=origin)
    for name, value in values.items():
        setattr(account, name, value)
