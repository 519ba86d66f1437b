"""What was changed since a notice: found, told, and undone as its link locks the account.

Secrets that are gone cannot be put back: a second step that was taken off, 2-step turned off.
They are told instead.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from django.forms.models import model_to_dict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import app_passwords, second_steps
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.lock_links import LIFETIME
from sidegate.accounts.phone_numbers import masked as masked_number
from sidegate.accounts.recovery_address import masked as masked_address
from sidegate.accounts.second_steps import SecondStep, StepKind
from sidegate.decisions.throttle import DAY
from sidegate.events.catalogue import Kind
from sidegate.storage.former_models import OF_A_PHONE, FormerAddress, FormerPhone
from sidegate.storage.models import Account, AppPassword, Event, Phone

EARLIER = 10_000
"""Milliseconds before its notice at which a change may have been written: a notice comes last
in its transaction, and replicas' clocks are not quite together."""

_KEPT_FOR = LIFETIME + DAY


class Thing(StrEnum):
    """What is undone or lost, beside second steps."""

    APP_PASSWORD = "app-password"  # noqa: S105 - a name, not a secret
    RECOVERY_ADDRESS = "recovery-address"
    TWO_STEP = "two-step"


WORDS: dict[str, Promise] = {
    **second_steps.WORDS,
    Thing.APP_PASSWORD: _("App password"),
    Thing.RECOVERY_ADDRESS: _("Recovery address"),
    Thing.TWO_STEP: _("2-Step Verification"),
}


class Item(NamedTuple):
    """One thing, as it is told."""

    what: str
    """A word of `Thing` or `StepKind`."""
    name: str = ""
    """What its owner calls it; numbers and addresses masked."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What was changed since a moment, as far as it is still so."""

    steps: Sequence[SecondStep]
    """Added since."""
    app_passwords: Sequence[AppPassword]
    """The same."""
    widened: Sequence[AppPassword]
    """There before, and let do more since, or resumed."""
    phones: Sequence[FormerPhone]
    """Those whose number was changed since, and can be put back."""
    address: str
    """The recovery address now."""
    address_then: str
    turned_on: bool
    """2-step was turned on since, and was off."""
    lost: Sequence[Item]
    """What was taken away, and cannot be put back."""

    @property
    def removed(self) -> list[Item]:
        """What undoing removes."""
        address = self.address if self.address != self.address_then else ""
        return [
            *([Item(Thing.TWO_STEP)] if self.turned_on else []),
            *(_item(step) for step in self.steps),
            *([Item(Thing.RECOVERY_ADDRESS, masked_address(address))] if address else []),
            *(Item(Thing.APP_PASSWORD, app_passwords.name(row)) for row in self.app_passwords),
        ]

    @property
    def revoked(self) -> list[Item]:
        """What undoing revokes of what was there before."""
        return [Item(Thing.APP_PASSWORD, app_passwords.name(row)) for row in self.widened]

    @property
    def put_back(self) -> list[Item]:
        """What undoing puts back."""
        address = self.address_then if self.address != self.address_then else ""
        return [
            *(
                Item(StepKind.PHONE, phone.name or masked_number(phone.number))
                for phone in self.phones
            ),
            *([Item(Thing.RECOVERY_ADDRESS, masked_address(address))] if address else []),
        ]


def changes(account: Account, *, since: int) -> Changes:
    """What was changed from about that moment on, in milliseconds since the epoch."""
    since -= EARLIER
    happened = _events(account, since=since)
    was_on = _was_on(account, happened)
    steps = [step for step in second_steps.of(account) if step.added_at >= since]
    made = account.app_passwords.filter(created_at__gte=since, revoked_at=None)
    turned_on = account.two_step and not was_on
    former = FormerAddress.objects.filter(account=account, until__gte=since)
    then = former.order_by("until", "id").first()
    return Changes(
        steps=steps,
        app_passwords=list(made.order_by("id")),
        widened=_widened(account, since=since),
        phones=_phones_then(account, since=since) if account.two_step and was_on else [],
        address=account.recovery_address,
        address_then=account.recovery_address if then is None else then.address,
        turned_on=turned_on,
        lost=_lost(account, happened, since=since, was_on=was_on),
    )


def undo(ctx: Context, *, account: Account, found: Changes, origin: Origin) -> None:
    """Undo it, each with an event; inside the transaction that locks the account.

    Nobody is told by mail: its links would lock again what the operator has mended.
    """
    for step in found.steps:
        second_steps.rows(account, step).delete()
        codes = step.kind is StepKind.BACKUP_CODES
        kind = Kind.BACKUP_CODES_MADE if codes else Kind.SECOND_STEP_ADDED
        _note(ctx, account, kind, origin, **step.facts())
    for row in (*found.widened, *found.app_passwords):  # by id, as `revoke_all`
        app_passwords.revoke(ctx, account=account, app_password_id=row.pk, origin=origin)
    for phone in found.phones:
        _put_back(account, phone)
        number = masked_number(phone.number)
        _note(ctx, account, Kind.PHONE_CHANGED, origin, step=StepKind.PHONE.value, number=number)
    if found.address != found.address_then:
        Account.objects.filter(pk=account.pk).update(recovery_address=found.address_then)
        kind = Kind.RECOVERY_ADDRESS_SET if found.address else Kind.RECOVERY_ADDRESS_REMOVED
        name = masked_address(found.address or found.address_then)
        _note(ctx, account, kind, origin, name=name)
    if found.turned_on:
        Account.objects.filter(pk=account.pk).update(two_step_since=None)
        second_steps.remove_all(account)
        app_passwords.revoke_all(ctx, account=account, origin=origin)
        _note(ctx, account, Kind.TWO_STEP_ON, origin)


def lost_before_locking(account: Account) -> list[str]:
    """What was taken away from an account before it was locked last, and not put back.

    Words of `Thing` and `StepKind`; nothing once 2-step was turned on anew.
    """
    kinds = [Kind.ACCOUNT_LOCKED, Kind.TWO_STEP_ON]
    last = Event.objects.filter(account=account, kind__in=kinds).order_by("-id").first()
    if last is None or last.kind != Kind.ACCOUNT_LOCKED:
        return []
    return [word for word in json.loads(last.detail).get("lost", "").split(",") if word]


def forget_old(*, now: int) -> None:
    """Drop what no link puts back any more."""
    for table in (FormerAddress, FormerPhone):
        table._default_manager.filter(until__lt=now - _KEPT_FOR).delete()  # noqa: SLF001 - Django's name for it


def _note(ctx: Context, account: Account, kind: Kind, origin: Origin, **facts: Any) -> None:  # noqa: ANN401 - as `note` takes them
    undone = Kind.CHANGE_UNDONE
    note(ctx, kind=undone, account_id=account.pk, origin=origin, undone=kind.value, **facts)


def _item(step: SecondStep) -> Item:
    return Item(step.kind, step.name or (masked_number(step.number) if step.number else ""))


def _events(account: Account, *, since: int) -> list[Event]:
    kinds = [
        Kind.TWO_STEP_ON,
        Kind.TWO_STEP_OFF,
        Kind.SECOND_STEP_REMOVED,
        Kind.BACKUP_CODES_MADE,
    ]
    found = Event.objects.filter(account=account, at__gte=since, kind__in=kinds)
    return list(found.order_by("id"))


def _was_on(account: Account, happened: list[Event]) -> bool:
    """Whether 2-step was on before all that."""
    switched = [one.kind for one in happened if one.kind in (Kind.TWO_STEP_ON, Kind.TWO_STEP_OFF)]
    return switched[0] == Kind.TWO_STEP_OFF if switched else account.two_step


def _phones_then(account: Account, *, since: int) -> list[FormerPhone]:
    kept = account.phones.filter(added_at__lt=since).values_list("number", flat=True)
    former = FormerPhone.objects.filter(account=account, until__gte=since, added_at__lt=since)
    return list(former.exclude(number__in=list(kept)).order_by("id"))


def _widened(account: Account, *, since: int) -> list[AppPassword]:
    """Made before, and let do more since: what they might do then is kept nowhere."""
    kinds = [Kind.APP_PASSWORD_CHANGED, Kind.APP_PASSWORD_RESUMED]
    happened = Event.objects.filter(account=account, at__gte=since, kind__in=kinds)
    more = {one.app_password_id for one in happened if "more" in json.loads(one.detail)}
    rows = account.app_passwords.filter(created_at__lt=since, revoked_at=None)
    return [row for row in rows.order_by("id") if row.pk in more]


def _put_back(account: Account, phone: FormerPhone) -> None:
    Phone.objects.create(account=account, **model_to_dict(phone, fields=OF_A_PHONE))
    phone.delete()  # it is no former one any more: another link must not put it back twice


def _lost(account: Account, happened: list[Event], *, since: int, was_on: bool) -> list[Item]:
    by_owner = [one for one in happened if json.loads(one.detail).get("by") != "operator"]
    lost = []
    if was_on and any(one.kind == Kind.TWO_STEP_OFF for one in by_owner):
        lost.append(Item(Thing.TWO_STEP))
    for one in by_owner:
        detail = json.loads(one.detail)
        if one.kind == Kind.SECOND_STEP_REMOVED:
            lost.append(Item(detail["step"], detail.get("name") or detail.get("number", "")))
    made = any(one.kind == Kind.BACKUP_CODES_MADE for one in by_owner)
    if made and _had_backup_codes(account, before=since):
        lost.append(Item(StepKind.BACKUP_CODES))
    return lost


def _had_backup_codes(account: Account, *, before: int) -> bool:
    """Whether there were some that new ones took the place of."""
    kinds = [Kind.BACKUP_CODES_MADE, Kind.TWO_STEP_OFF, Kind.SECOND_STEP_REMOVED]
    earlier = Event.objects.filter(account=account, at__lt=before, kind__in=kinds)
    for one in earlier.order_by("-id"):
        if one.kind == Kind.SECOND_STEP_REMOVED:
            if json.loads(one.detail).get("step") == StepKind.BACKUP_CODES:
                return False
            continue
        return one.kind == Kind.BACKUP_CODES_MADE
    return False
