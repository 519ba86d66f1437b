"""An account on trial: what proves that the operator's mail servers ask us, and leaves nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sidegate.accounts import app_passwords, people, two_step
from sidegate.accounts.context import Context, Origin
from sidegate.factors import app_password
from sidegate.storage.models import Account, Event

PREFIX = "sidegate-check-"
_ORIGIN = Origin(by="operator", program="sidegate connect --check")
_STALE = 10 * 60_000
_PASSWORD_LETTERS = 20
_QUIET = 1.5
_MOST_WAITED = 8.0
_NO_NUMBER = "+000000000"


@dataclass
class Trial:
    """An account with what may be tried: either secret may be empty, where it is not known."""

    ctx: Context
    address: str
    password: str = field(default="", repr=False)
    app_password: str = field(default="", repr=False)
    two_step: bool = False
    last_event: int = 0

    def account(self) -> Account | None:
        """The account by now: a directory's appears at its first sign-in."""
        return people.find(self.address)

    def mark(self) -> None:
        """What happens from now on is what is looked for."""
        newest = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
        self.last_event = newest or 0

    def seen(self, protocol: str, *, patience: float = 1.5) -> Event | None:
        """The mail sign-in of this account since the mark; events are written behind replies."""
        deadline = time.monotonic() + patience
        while True:
            account = self.account()
            found = Event.objects.filter(
                pk__gt=self.last_event,
                account=account,
                kind__startswith="mail-",
                protocol=protocol,
            ).exclude(kind="mail-session-ended")
            event = found.order_by("pk").first() if account else None
            if event is not None or time.monotonic() > deadline:
                return event
            time.sleep(0.1)


@contextmanager
def throw_away(ctx: Context, domain: str) -> Iterator[Trial]:
    """An account of our own with 2-step on and one app password, removed at the end."""
    _remove_stale(ctx)
    letters = app_password.generate(length=_PASSWORD_LETTERS, random=ctx.random)
    name = app_password.generate(length=16, random=ctx.random)[:8]
    password = app_password.grouped(letters)
    account = people.add(
        ctx, address=f"{PREFIX}{name}@{domain}", name="", password=password, origin=_ORIGIN
    )
    try:
        two_step.turn_on(ctx, account=account, number=_NO_NUMBER, channel="sms", origin=_ORIGIN)
        made = app_passwords.make(ctx, account=account, app="mail", device="other", origin=_ORIGIN)
        yield Trial(ctx, account.address, password, made.secret, two_step=True)
    finally:
        _remove(account)


@contextmanager
def given(ctx: Context, address: str, password: str) -> Iterator[Trial]:
    """Somebody's own account: at most an app password is made, and revoked at the end."""
    account = people.find(address)
    trial = Trial(ctx, address, password)
    if account is None or app_passwords.why_not(ctx, account) is not None:
        yield trial
        return
    trial.two_step = account.two_step_since is not None
    made = app_passwords.make(ctx, account=account, app="mail", device="other", origin=_ORIGIN)
    trial.app_password = made.secret
    try:
        yield trial
    finally:
        app_passwords.revoke(ctx, account=account, app_password_id=made.id, origin=_ORIGIN)


def recent_addresses(*, at: int, most: int = 500) -> list[tuple[int, str]]:
    """Account and client address of the newest mail sign-ins since a time, trials left out."""
    rows = Event.objects.filter(
        at__gte=at, kind__in=["mail-allowed", "mail-grace"], account__isnull=False
    ).exclude(account__address__startswith=PREFIX)
    return [
        (account_id, address)
        for account_id, address in rows.order_by("-pk").values_list("account_id", "address")[:most]
        if account_id is not None
    ]


def _remove(account: Account) -> None:
    """Remove it once its last event is written: one that comes later would have no account."""
    Account.objects.filter(pk=account.pk).update(enabled=False)
    deadline = time.monotonic() + _MOST_WAITED
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < _QUIET:
        if time.monotonic() > deadline:
            return  # disabled, and removed by the next check
        count = Event.objects.filter(account=account).count()
        if count != seen:
            seen, since = count, time.monotonic()
        time.sleep(0.1)
    Account.objects.filter(pk=account.pk).delete()


def _remove_stale(ctx: Context) -> None:
    Account.objects.filter(
        address__startswith=PREFIX, created_at__lt=ctx.now() - _STALE, enabled=False
    ).delete()
