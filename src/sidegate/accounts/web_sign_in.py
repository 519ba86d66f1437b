"""The first stage of a sign-in to the portal: the account password, throttled."""

from __future__ import annotations

from dataclasses import dataclass

from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.people import find
from sidegate.decisions.mail import PasswordCheck
from sidegate.decisions.names import canonical
from sidegate.decisions.throttle import Limits, network_of, throttled
from sidegate.decisions.words import Reason, Why
from sidegate.events.catalogue import Kind
from sidegate.storage import counters
from sidegate.storage.models import Account


@dataclass(frozen=True, slots=True)
class RightPassword:
    """The password is the account's."""

    account: Account


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """Not this account's password, or no such account: nobody learns which."""


@dataclass(frozen=True, slots=True)
class PasswordCannotTell:
    """Not judged: too many wrong ones before, or too much to do."""

    why: Why


def check_password(
    ctx: Context, *, login: str, secret: str, origin: Origin
) -> RightPassword | WrongPassword | PasswordCannotTell:
    """Judge the password of a login, the same work for every login."""
    account = find(login)
    name = canonical(login) or login
    network = network_of(origin.address)
    login_digest = counters.login_digest(key=ctx.keys.current, login=name)
    account_id = account.pk if account else None
    seen = counters.read(login=login_digest, account_id=account_id, network=network, now=ctx.now())
    if throttled(seen, Limits()):
        return _cannot_tell(ctx, account_id, Why.THROTTLED, origin)
    check = ctx.judge.check_blocking(
        account_id=account_id,
        password_hash=account.password_hash if account else "",
        password_version=account.password_version if account else 0,
        secret=secret,
    )
    current = _unchanged(account) if check is PasswordCheck.RIGHT else None
    if current is not None:
        return RightPassword(current)
    if check is PasswordCheck.BUSY:
        return _cannot_tell(ctx, account_id, Why.BUSY, origin)
    if check is PasswordCheck.OUTAGE:
        return _cannot_tell(ctx, account_id, Why.OUTAGE, origin)
    counters.add(
        login=login_digest,
        network=network,
        secret=counters.secret_digest(key=ctx.keys.current, login=name, secret=secret),
        now=ctx.now(),
    )
    # For an unknown account too: the same work, down to what is written.
    reason = _reason(account, check)
    note(ctx, kind=Kind.WEB_REFUSED, account_id=account_id, origin=origin, reason=reason)
    return WrongPassword()


def finished(ctx: Context, *, account: Account, origin: Origin) -> None:
    """Record a completed sign-in, and its network as familiar."""
    counters.mark(account_id=account.pk, network=network_of(origin.address), now=ctx.now())
    note(ctx, kind=Kind.WEB_SIGNED_IN, account_id=account.pk, origin=origin)


def signed_out(ctx: Context, *, account: Account, origin: Origin) -> None:
    """Record that the owner signed out."""
    note(ctx, kind=Kind.WEB_SIGNED_OUT, account_id=account.pk, origin=origin)


def _cannot_tell(
    ctx: Context, account_id: int | None, why: Why, origin: Origin
) -> PasswordCannotTell:
    note(ctx, kind=Kind.WEB_UNAVAILABLE, account_id=account_id, origin=origin, reason=why)
    return PasswordCannotTell(why)


def _unchanged(account: Account | None) -> Account | None:
    """The account as it is now: a hash takes time, in which it may be disabled or changed."""
    if account is None:
        return None
    return Account.objects.filter(
        pk=account.pk, enabled=True, password_version=account.password_version
    ).first()


def _reason(account: Account | None, check: PasswordCheck) -> Reason:
    if account is None:
        return Reason.UNKNOWN_ACCOUNT
    return Reason.ACCOUNT_DISABLED if check is PasswordCheck.RIGHT else Reason.WRONG_PASSWORD
