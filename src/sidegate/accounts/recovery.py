"""The waiting recovery: begun, stopped, finished. Its rules stand in `decisions.recovery`.

Each action takes the account's lock first, so two browsers never both do it.
"""

from __future__ import annotations

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import recovery_notices, tokens, two_step
from sidegate.accounts.account_lock import locked
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import NotAvailable, Wait
from sidegate.accounts.notices import tell_of_change
from sidegate.accounts.recovery_rows import Outcome, end, retry_at, rule_of, under_way, unended
from sidegate.decisions import recovery as rules
from sidegate.decisions.recovery import Proof, Stage
from sidegate.events.catalogue import Kind, tidy
from sidegate.storage.models import Account
from sidegate.storage.recovery_models import Recovery

COOKIE_LIFETIME = rules.WAIT + rules.OPEN_FOR
"""Milliseconds for which the browser that began one has to be known again."""

_TOKEN_BYTES = 16
_BROWSER, _STOP = b"recovery-browser", b"recovery-stop"


def begin(ctx: Context, *, account: Account, origin: Origin) -> str:
    """Begin one after a first proof, and tell everybody; returns the token of the browser's cookie.

    Raises `NotAvailable` where 2-step is off or no mail can be sent, `Wait`.
    """
    if not ctx.config.sends_mail:
        raise NotAvailable(_("This service cannot send messages, so nobody could stop a recovery."))
    browser, stop_token = tokens.new(ctx, size=_TOKEN_BYTES), tokens.new(ctx, size=_TOKEN_BYTES)
    with transaction.atomic():
        current = locked(account)
        if not (current.two_step and current.enabled):
            raise NotAvailable(_("2-Step Verification is off: there is nothing to recover."))
        again = retry_at(ctx, account=current)
        if again is not None:
            raise Wait(_("No recovery can be started now"), retry_at=again)
        end(ctx, account=current)  # whose time is over
        row = _new(ctx, current, browser=browser, stop_token=stop_token, origin=origin)
        note(ctx, kind=Kind.RECOVERY_BEGAN, account_id=current.pk, origin=origin)
        recovery_notices.tell_all(
            ctx,
            account=current,
            row_id=row.pk,
            recovery=rule_of(row),
            link=ctx.config.server.url + reverse("recovery-stop", args=[stop_token]),
            origin=origin,
        )
    return browser


def began_here(ctx: Context, *, account: Account, token: str) -> bool:
    """Whether the token is that of the browser which began the one under way."""
    digests = tokens.digests(ctx, purpose=_BROWSER, token=token)
    return unended().filter(account=account, browser_digest__in=digests).exists()


def may_finish(
    ctx: Context, *, account: Account, password_version: int, token: str, by_mail: bool
) -> bool:
    """Whether the one under way stands for the second step now; see `finish`."""
    found = under_way(ctx, account=account)
    if found is None or account.password_version != password_version:
        return False
    here = began_here(ctx, account=account, token=token)
    proof = Proof(password_version, same_browser=here, by_mail=by_mail)
    return rules.may_finish(found.rule, proof, now=ctx.now())


def finish(
    ctx: Context,
    *,
    account: Account,
    password_version: int,
    token: str,
    by_mail: bool,
    origin: Origin,
) -> bool:
    """Turn 2-step off by a ripe one; False, and nothing done, where it does not stand for it.

    `password_version` names the password that was given just now; `token` is the cookie of the
    browser, empty for none; `by_mail`: a link to the recovery address was used instead.
    """
    with transaction.atomic():
        current = locked(account)
        ripe = may_finish(
            ctx,
            account=current,
            password_version=password_version,
            token=token,
            by_mail=by_mail,
        )
        if not (current.enabled and current.two_step and ripe):
            return False
        end(ctx, account=current, outcome=Outcome.FINISHED)
        _record(ctx, current, Kind.RECOVERY_FINISHED, origin)
        two_step.turn_off(ctx, account=current, origin=origin)
        # Still under the lock: what is changed after it must be seen by who signs in on this.
        account.refresh_from_db()
    return True


def stop(ctx: Context, *, account: Account, origin: Origin) -> bool:
    """Stop the one under way; False where there is none.

    For 7 days the same password then begins no other.
    """
    with transaction.atomic():
        current = locked(account)
        if under_way(ctx, account=current) is None:
            return False
        end(ctx, account=current, outcome=Outcome.STOPPED)
        _record(ctx, current, Kind.RECOVERY_STOPPED, origin)
    return True


def find(ctx: Context, *, token: str) -> Account | None:
    """The account whose recovery a message's link stops, while it does."""
    digests = tokens.digests(ctx, purpose=_STOP, token=token)
    row = unended().select_related("account").filter(stop_digest__in=digests).first()
    if row is None or rules.stage(rule_of(row), now=ctx.now()) is Stage.OVER:
        return None
    return row.account


def stop_by_link(ctx: Context, *, token: str, origin: Origin) -> bool:
    """Stop the one of a message's link; False where it stops nothing any more."""
    with transaction.atomic():
        account = find(ctx, token=token)
        if account is None:
            return False
        locked(account)
        # By now it may have ended, and another have begun.
        return find(ctx, token=token) is not None and stop(ctx, account=account, origin=origin)


def _new(
    ctx: Context, account: Account, *, browser: str, stop_token: str, origin: Origin
) -> Recovery:
    return Recovery.objects.create(
        account=account,
        password_version=account.password_version,
        began_at=ctx.now(),
        browser_digest=tokens.digest(ctx, purpose=_BROWSER, token=browser),
        stop_digest=tokens.digest(ctx, purpose=_STOP, token=stop_token),
        program=tidy(origin.program),
        address=tidy(origin.address)[:45],
    )


def _record(ctx: Context, account: Account, kind: Kind, origin: Origin) -> None:
    note(ctx, kind=kind, account_id=account.pk, origin=origin)
    tell_of_change(ctx, account=account, kind=kind, origin=origin)
