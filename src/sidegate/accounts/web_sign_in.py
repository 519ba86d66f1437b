"""The first stage of a sign-in to the portal: the account password, throttled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import transaction
from django.utils.translation import get_language

from sidegate.accounts import known_browsers, languages, refusal_log
from sidegate.accounts.account_lock import locked, unchanged
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.notices import tell_of_change
from sidegate.accounts.people import ensure, find
from sidegate.decisions.directory import Directory, Question, Seen
from sidegate.decisions.mail import MOST_FOLLOWED, PasswordCheck, Presence
from sidegate.decisions.names import canonical, canonical_name
from sidegate.decisions.throttle import Counters, Limits, network_of, throttled
from sidegate.decisions.words import Reason, Why
from sidegate.events.catalogue import Kind
from sidegate.storage import counters
from sidegate.storage.models import Account

_WEB = "imap"
"""As which protocol a directory is asked: some let users into protocols that they know alone."""

_REASONS = {
    PasswordCheck.RIGHT: Reason.ACCOUNT_DISABLED,
    PasswordCheck.DISABLED: Reason.ACCOUNT_DISABLED,
    PasswordCheck.EXPIRED: Reason.PASSWORD_EXPIRED,
}


class Instead(StrEnum):
    """What stood in the place of password and second step, or of the second step."""

    PASSKEY_ALONE = "passkey-alone"
    TRUSTED_BROWSER = "trusted-browser"


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
    if ctx.directory is not None:
        return _check_there(ctx, ctx.directory, login=login, secret=secret, origin=origin)
    account = find(login)
    name = canonical(login) or login
    account_id = account.pk if account else None
    seen = _counters(ctx, account, login=name, origin=origin)
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
    # For an unknown account too: the same work, down to what is written.
    reason = _reason(account, check)
    _refused(ctx, account, reason, name=name, secret=secret, seen=seen, origin=origin)
    return WrongPassword()


def still_known(
    ctx: Context, *, account: Account, origin: Origin
) -> RightPassword | WrongPassword | PasswordCannotTell:
    """Whether somebody who signs in without her password is still in the operator's directory."""
    if ctx.directory is None:
        return RightPassword(account)
    question = Question(name=account.address, secret="", protocol=_WEB, address=origin.address)
    seen = ctx.directory.look_up_blocking(question)
    if seen.presence in (Presence.BUSY, Presence.OUTAGE):
        return _cannot_tell(ctx, account.pk, Why(seen.presence.value), origin)
    if seen.presence is Presence.HERE and seen.name == account.address:
        return RightPassword(account)
    reason = Reason.GONE_FROM_DIRECTORY
    note(ctx, kind=Kind.WEB_REFUSED, account_id=account.pk, origin=origin, reason=reason)
    return WrongPassword()


def _check_there(
    ctx: Context, directory: Directory, *, login: str, secret: str, origin: Origin
) -> RightPassword | WrongPassword | PasswordCannotTell:
    """The same, where a directory of the operator's judges it.

    It is asked for every login, known to it or not: its refusals take their time.
    """
    question = Question(
        name=canonical_name(login) or "", secret=secret, protocol=_WEB, address=origin.address
    )
    for _ in range(MOST_FOLLOWED + 1):
        asked = question.name
        seen = _seen_there(ctx, directory, question, login=login, origin=origin)
        if isinstance(seen, PasswordCannotTell):
            return seen
        if seen.name != asked:
            question = question._replace(name=seen.name)
            continue
        judged = directory.judge_blocking(question)
        if judged.check is PasswordCheck.RIGHT and judged.name != asked:
            question = question._replace(name=judged.name)
            continue
        return _answered(ctx, question, seen.presence, judged.check, login=login, origin=origin)
    return _wrong(ctx, question, None, Reason.UNKNOWN_ACCOUNT, login=login, origin=origin)


def _seen_there(
    ctx: Context, directory: Directory, question: Question, *, login: str, origin: Origin
) -> Seen | PasswordCannotTell:
    account = find(question.name)
    account_id = account.pk if account else None
    counted = _counters(ctx, account, login=question.name or login, origin=origin)
    if throttled(counted, Limits()):
        return _cannot_tell(ctx, account_id, Why.THROTTLED, origin)
    seen = directory.look_up_blocking(question._replace(secret=""))
    if seen.presence in (Presence.BUSY, Presence.OUTAGE):
        return _cannot_tell(ctx, account_id, Why(seen.presence.value), origin)
    return seen


def _answered(
    ctx: Context,
    question: Question,
    presence: Presence,
    check: PasswordCheck,
    *,
    login: str,
    origin: Origin,
) -> RightPassword | WrongPassword | PasswordCannotTell:
    account = find(question.name)
    if check in (PasswordCheck.BUSY, PasswordCheck.OUTAGE):
        account_id = account.pk if account else None
        return _cannot_tell(ctx, account_id, Why(check.value), origin)
    if check is PasswordCheck.RIGHT and presence is Presence.HERE:
        account = ensure(ctx, name=question.name, origin=origin)
        if account.enabled:
            return RightPassword(account)
    reason = _REASONS.get(check, Reason.WRONG_PASSWORD)
    if account is None:
        reason = Reason.UNKNOWN_ACCOUNT
    elif presence is Presence.GONE:
        reason = Reason.GONE_FROM_DIRECTORY
    return _wrong(ctx, question, account, reason, login=login, origin=origin)


def _wrong(
    ctx: Context,
    question: Question,
    account: Account | None,
    reason: Reason,
    *,
    login: str,
    origin: Origin,
) -> WrongPassword:
    name = question.name or login
    seen = _counters(ctx, account, login=name, origin=origin)
    _refused(ctx, account, reason, name=name, secret=question.secret, seen=seen, origin=origin)
    return WrongPassword()


def _refused(
    ctx: Context,
    account: Account | None,
    reason: Reason,
    *,
    name: str,
    secret: str,
    seen: Counters,
    origin: Origin,
) -> None:
    """Count it, record it, and tell whoever bans addresses."""
    key = ctx.keys.current
    new = counters.add(
        login=counters.login_digest(key=key, login=name),
        network=network_of(origin.address),
        secret=counters.secret_digest(key=key, login=name, secret=secret),
        now=ctx.now(),
    )
    account_id = account.pk if account else None
    note(ctx, kind=Kind.WEB_REFUSED, account_id=account_id, origin=origin, reason=reason)
    refusal_log.tell(
        address=origin.address,
        protocol="portal",
        guess=new and not seen.familiar and reason not in _REASONS.values(),
        reason=reason,
        account=account.address if account else "",
    )


def _counters(ctx: Context, account: Account | None, *, login: str, origin: Origin) -> Counters:
    return counters.read(
        login=counters.login_digest(key=ctx.keys.current, login=login),
        account_id=account.pk if account else None,
        network=network_of(origin.address),
        now=ctx.now(),
    )


def finished(ctx: Context, *, account: Account, step: str, browser: str, origin: Origin) -> bool:
    """Record a completed sign-in, and its network and browser as familiar; tell of a new browser.

    `account` is as it was when the sign-in was judged: False, and nothing is written, where what
    it rests on was taken away since. Until the caller's transaction is over nothing can be.

    `step` is the kind of second step that was given, or a value of `Instead`; empty where none
    was asked for. `browser` is the token that the browser is known by: noted in the same
    transaction, so that one whose message was lost by an outage is still new.
    """
    kind = Kind.WEB_SIGNED_IN
    with transaction.atomic():
        if not unchanged(account, locked(account)):
            return False
        if known_browsers.is_hers(ctx, account=account, token=browser):
            languages.saw(account, get_language() or "")
        new_browser = known_browsers.sign_in(ctx, account=account, token=browser)
        counters.mark(account_id=account.pk, network=network_of(origin.address), now=ctx.now())
        word = "new" if new_browser else "known"
        note(ctx, kind=kind, account_id=account.pk, origin=origin, browser=word, step=step)
        if new_browser:
            tell_of_change(ctx, account=account, kind=kind, origin=origin)
    return True


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
