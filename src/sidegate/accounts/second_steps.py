"""Second steps of an account: which there are, best first; added, renamed, removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from django.db import models, transaction
from django.forms.models import model_to_dict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate import texts
from sidegate.accounts import password_reset_rows, phone_notices, web_sessions
from sidegate.accounts.account_lock import locked, locked_enabled
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import LastStep, NotAvailable
from sidegate.accounts.notices import tell_of_change
from sidegate.accounts.phone_numbers import masked, phones
from sidegate.events.catalogue import Kind
from sidegate.storage.former_models import OF_A_PHONE, FormerPhone
from sidegate.storage.models import Account, Phone
from sidegate.storage.second_step_models import BackupCode, Passkey, Totp, TrustedBrowser

LONGEST_NAME = 60
"""Characters of a name that an owner gives."""


class StepKind(StrEnum):
    """What a second step is; the better ones first."""

    PASSKEY = "passkey"
    AUTHENTICATOR = "authenticator"
    PHONE = "phone"
    BACKUP_CODES = "backup-codes"


WORDS: dict[str, Promise] = {
    StepKind.PASSKEY: _("Passkey"),
    StepKind.AUTHENTICATOR: _("Authenticator app"),
    StepKind.PHONE: _("Phone"),
    StepKind.BACKUP_CODES: _("Backup codes"),
}


NO_TWO_STEP = _("Turn on 2-Step Verification first.")


class SecondStep(NamedTuple):
    """One that the account has; backup codes are one together, with the id 0."""

    kind: StepKind
    id: int
    name: str
    """What its owner calls it; may be empty for a phone."""
    added_at: int
    last_used_at: int | None
    number: str = ""
    """A phone's, E.164."""
    channel: str = ""
    left: int = 0
    """Backup codes that were not used yet."""

    @property
    def key(self) -> str:
        """What addresses of pages and forms call it."""
        return f"{self.kind}-{self.id}"

    def facts(self) -> dict[str, Any]:
        """What its events tell."""
        known = {"name": self.name, "number": masked(self.number) if self.number else ""}
        return {"step": self.kind.value, **{name: text for name, text in known.items() if text}}


@dataclass(frozen=True, slots=True)
class NewPhone:
    """A number that was just verified."""

    number: str
    channel: str

    kind = StepKind.PHONE

    def save(self, account: Account, *, now: int) -> None:
        """Store it."""
        Phone.objects.create(
            account=account, number=self.number, channel=self.channel, added_at=now
        )

    def facts(self) -> dict[str, Any]:
        """What its events tell."""
        return {"step": self.kind.value, "channel": self.channel, "number": masked(self.number)}


@dataclass(frozen=True, slots=True)
class NewAuthenticator:
    """An authenticator app that has just shown a right code."""

    name: str
    secret: bytes
    """Sealed for its account (`authenticators`)."""
    step: int
    """The time step of that code: it is used up."""

    kind = StepKind.AUTHENTICATOR

    def __repr__(self) -> str:
        return "NewAuthenticator()"

    def save(self, account: Account, *, now: int) -> None:
        """Store it."""
        Totp.objects.create(
            account=account,
            name=self.name,
            secret=self.secret,
            last_step=self.step,
            added_at=now,
        )

    def facts(self) -> dict[str, Any]:
        """What its events tell."""
        return {"step": self.kind.value, "name": self.name}


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that was just registered."""

    name: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: str
    user_verified: bool
    discoverable: bool

    kind = StepKind.PASSKEY

    def save(self, account: Account, *, now: int) -> None:
        """Store it."""
        Passkey.objects.create(
            account=account,
            name=self.name,
            credential_id=self.credential_id,
            public_key=self.public_key,
            sign_count=self.sign_count,
            transports=self.transports,
            user_verified=self.user_verified,
            discoverable=self.discoverable,
            added_at=now,
        )

    def facts(self) -> dict[str, Any]:
        """What its events tell."""
        return {"step": self.kind.value, "name": self.name}


NewStep = NewPhone | NewAuthenticator | NewPasskey


def of(account: Account) -> list[SecondStep]:
    """Every second step, the best first; backup codes last, while one is left."""
    backup = _backup_codes(account)
    return [*full(account), *([backup] if backup else [])]


def full(account: Account) -> list[SecondStep]:
    """Those that 2-step can rest on: all but backup codes."""
    passkeys = account.passkeys.order_by("added_at", "id")
    apps = account.totps.order_by("added_at", "id")
    return [
        *(_named(StepKind.PASSKEY, row) for row in passkeys),
        *(_named(StepKind.AUTHENTICATOR, row) for row in apps),
        *(
            _named(StepKind.PHONE, row)._replace(number=row.number, channel=row.channel)
            for row in phones(account)
        ),
    ]


def find(account: Account, *, key: str) -> SecondStep | None:
    """The one of that key."""
    return next((step for step in of(account) if step.key == key), None)


def add(ctx: Context, *, account: Account, new: NewStep, origin: Origin) -> None:
    """Add another one while 2-step is on. Raises `NotAvailable` where it was turned off."""
    with transaction.atomic():
        current = _locked(account)
        _tell_phones(ctx, current, new.kind, origin=origin)
        new.save(current, now=ctx.now())
        _changed(ctx, current, Kind.SECOND_STEP_ADDED, facts=new.facts(), origin=origin)


def change_number(
    ctx: Context,
    *,
    account: Account,
    new: NewPhone,
    replaces: SecondStep,
    origin: Origin,
    keep_session: str = "",
) -> None:
    """Put a number that was just verified in the place of another; signs out as `remove` does.

    Raises `NotAvailable` where 2-step was turned off, or the other one is gone.
    """
    with transaction.atomic():
        current = _locked(account)
        old = current.phones.filter(pk=replaces.id).first()
        if old is None:
            raise NotAvailable(_("This phone was removed meanwhile."))
        _tell_phones(ctx, current, StepKind.PHONE, origin=origin)
        _keep_former(ctx, old)
        old.delete()
        new.save(current, now=ctx.now())
        kept = {"name": old.name, "preferred_at": old.preferred_at}
        current.phones.filter(number=new.number).update(**kept)
        _sign_out(ctx, current, keep_session=keep_session, origin=origin)
        _changed(ctx, current, Kind.PHONE_CHANGED, facts=new.facts(), origin=origin)


def _keep_former(ctx: Context, phone: Phone) -> None:
    """A link that locks may put it back."""
    FormerPhone.objects.create(
        account_id=phone.account_id, until=ctx.now(), **model_to_dict(phone, fields=OF_A_PHONE)
    )


def _locked(account: Account) -> Account:
    current = locked_enabled(account)
    if not current.two_step:
        raise NotAvailable(NO_TWO_STEP)
    return current


def rename(ctx: Context, *, account: Account, step: SecondStep, name: str, origin: Origin) -> None:
    """Call one by another name."""
    with transaction.atomic():
        renamed = rows(account, step).exclude(name=name[:LONGEST_NAME])
        if renamed.update(name=name[:LONGEST_NAME]):
            note_change(ctx, account, step._replace(name=name[:LONGEST_NAME]), origin=origin)


def note_change(ctx: Context, account: Account, step: SecondStep, *, origin: Origin) -> None:
    """Record that one is called or used otherwise than before."""
    kind = Kind.SECOND_STEP_CHANGED
    note(ctx, kind=kind, account_id=account.pk, origin=origin, **step.facts())


def remove(
    ctx: Context, *, account: Account, key: str, origin: Origin, keep_session: str = ""
) -> bool:
    """Remove one; False where there is none such. Raises `LastStep`.

    Whoever got in by it is out: every browser is signed out but the one whose session's key
    digest is `keep_session`, none is trusted any more, and none sets a password by a link.
    """
    with transaction.atomic():
        current = locked(account)
        step = find(current, key=key)
        if step is None:
            return False
        if current.two_step and full(current) == [step]:
            raise LastStep(
                _(
                    "This is your last second step. Add another one first, "
                    "or turn 2-Step Verification off."
                )
            )
        if step.kind is not StepKind.BACKUP_CODES:
            _tell_phones(ctx, current, step.kind, origin=origin)
        rows(current, step).delete()
        _sign_out(ctx, current, keep_session=keep_session, origin=origin)
        _changed(ctx, current, Kind.SECOND_STEP_REMOVED, facts=step.facts(), origin=origin)
    return True


def remove_all(account: Account) -> None:
    """Remove them all, and the trust in browsers: 2-step goes off with them."""
    for table in (Passkey, Totp, Phone, BackupCode, TrustedBrowser):
        table.objects.filter(account=account).delete()


def _changed(
    ctx: Context, account: Account, kind: Kind, *, facts: dict[str, Any], origin: Origin
) -> None:
    note(ctx, kind=kind, account_id=account.pk, origin=origin, **facts)
    number = facts.get("number", "")
    tell_of_change(
        ctx, account=account, kind=kind, origin=origin, step=facts["step"], number=number
    )


def _tell_phones(ctx: Context, account: Account, kind: StepKind, *, origin: Origin) -> None:
    """Tell the phones of before the change; of phones those too that are new or go by it."""
    if kind is not StepKind.PHONE:
        text = texts.ways_in_changed
        phone_notices.tell_phones(ctx, account=account, text=text, origin=origin)
        return
    said = partial(texts.phones_changed, name=ctx.config.server.name)
    told, about = phones(account), texts.phones_changed.__name__
    phone_notices.tell(ctx, account=account, told=told, about=about, text=said, origin=origin)


def _sign_out(ctx: Context, account: Account, *, keep_session: str, origin: Origin) -> None:
    # A sign-in that is between its right code and its session has none yet that could be ended.
    Account.objects.filter(pk=account.pk).update(steps_removed=models.F("steps_removed") + 1)
    web_sessions.end_others(ctx, account=account, keep=keep_session, origin=origin)
    password_reset_rows.end(ctx, account=account)
    TrustedBrowser.objects.filter(account=account).delete()


def rows(account: Account, step: SecondStep) -> models.QuerySet[Any]:
    """The rows that a second step is stored as."""
    if step.kind is StepKind.BACKUP_CODES:
        return account.backup_codes.all()
    tables: dict[StepKind, models.QuerySet[Any]] = {
        StepKind.PASSKEY: account.passkeys.all(),
        StepKind.AUTHENTICATOR: account.totps.all(),
        StepKind.PHONE: account.phones.all(),
    }
    return tables[step.kind].filter(pk=step.id)


def _named(kind: StepKind, row: Passkey | Totp | Phone) -> SecondStep:
    return SecondStep(kind, row.pk, row.name, row.added_at, row.last_used_at)


def _backup_codes(account: Account) -> SecondStep | None:
    codes = list(account.backup_codes.order_by("id"))
    left = sum(code.used_at is None for code in codes)
    if not left:
        return None
    used = [code.used_at for code in codes if code.used_at is not None]
    return SecondStep(
        StepKind.BACKUP_CODES, 0, "", codes[0].made_at, max(used, default=None), left=left
    )
