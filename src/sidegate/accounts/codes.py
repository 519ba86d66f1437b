"""One-time codes to a phone: asked for, sent, sent again, presented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import code_limits, code_orders, code_tries
from sidegate.accounts.code_orders import Channel, Standing
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import ChallengeOver, TooSoon
from sidegate.events.catalogue import Kind
from sidegate.factors import one_time_code
from sidegate.factors.digests import same
from sidegate.storage import jobs, sends
from sidegate.storage.models import Account, Challenge, Phone

Purpose = Literal["turn-on", "add-phone", "sign-in", "confirm"]

_NEW_NUMBER = ("turn-on", "add-phone")
"""Purposes of a code that goes to a number which is not verified yet."""


@dataclass(frozen=True, slots=True)
class CodeRight:
    """The code was the one that was sent; it is used up now."""

    number: str
    channel: str


@dataclass(frozen=True, slots=True)
class CodeWrong:
    """Another code; how many tries are left."""

    tries_left: int


@dataclass(frozen=True, slots=True)
class CodeOver:
    """Nothing can be presented any more, and why."""

    why: Literal["expired", "used", "tries", "gone"]


class Waiting(NamedTuple):
    """A code that is waited for."""

    standing: Standing
    again_at: int
    """From when on another may be asked for; milliseconds since the epoch."""


def begin(
    ctx: Context,
    *,
    account: Account,
    purpose: Purpose,
    number: str,
    channel: Channel,
    binding: str,
    origin: Origin,
) -> int:
    """Have a first code sent and return the challenge's id.

    `binding` is a random value of the browser's session: only there the code counts.
    Raises `TooManyCodes`.
    """
    now = ctx.now()
    code = one_time_code.generate(random=ctx.random)
    with code_limits.counted(ctx):
        challenge = Challenge.objects.create(
            account=account,
            purpose=purpose,
            number=number,
            channel=channel,
            digest=_digest(ctx, account_id=account.pk, purpose=purpose, binding=binding, code=code),
            created_at=now,
            sent_at=now,
            expires_at=now + one_time_code.LIFETIME,
        )
        _order(ctx, challenge, code=code, origin=origin)
    return challenge.pk


def send_again(
    ctx: Context, *, challenge_id: int, binding: str, channel: Channel, origin: Origin
) -> None:
    """Have a new code sent for the same challenge, by text or call; the old one is dead.

    Raises `TooSoon` within 30 s of the last that went out, `TooManyCodes`, `ChallengeOver`.
    """
    now = ctx.now()
    code = one_time_code.generate(random=ctx.random)
    with code_limits.counted(ctx):
        challenge = Challenge.objects.select_related("account").filter(pk=challenge_id).first()
        if challenge is None or challenge.consumed_at is not None:
            raise ChallengeOver(_("This code is no longer valid. Start again."))
        digest = _digest(
            ctx,
            account_id=challenge.account_id,
            purpose=challenge.purpose,
            binding=binding,
            code=code,
        )
        retry_at = _again_at(challenge)
        # The time of the last one keeps two browsers at once from sending two.
        unchanged = Challenge.objects.filter(
            pk=challenge_id, consumed_at=None, sent_at=challenge.sent_at
        )
        taken = retry_at <= now and unchanged.update(
            digest=digest,
            channel=channel,
            tries=0,
            sent_at=now,
            expires_at=now + one_time_code.LIFETIME,
        )
        if not taken:
            text = _("A code was sent moments ago. Wait a little before asking for another.")
            raise TooSoon(text, retry_at=retry_at)
        challenge.refresh_from_db()
        _order(ctx, challenge, code=code, origin=origin)


def present(
    ctx: Context, *, challenge_id: int, binding: str, code: str, origin: Origin
) -> CodeRight | CodeWrong | CodeOver:
    """Present a code, once: a right one is used up by it, a wrong one costs a try.

    As a second step it costs one of the account's tries too. Raises `TooManyTries`.
    """
    second_step = Challenge.objects.filter(pk=challenge_id).exclude(purpose__in=_NEW_NUMBER).first()
    if second_step is None:
        return _present(ctx, challenge_id=challenge_id, binding=binding, code=code, origin=origin)
    taken = code_tries.take(ctx, account_id=second_step.account_id, origin=origin)
    answer = _present(ctx, challenge_id=challenge_id, binding=binding, code=code, origin=origin)
    if not isinstance(answer, CodeWrong) and answer != CodeOver("tries"):
        code_tries.give_back(taken)
    return answer


def _present(
    ctx: Context, *, challenge_id: int, binding: str, code: str, origin: Origin
) -> CodeRight | CodeWrong | CodeOver:
    # The challenge's own try is taken first, by a conditional UPDATE, so that no number of
    # browsers at once gets more of them (rule 8).
    now = ctx.now()
    with transaction.atomic():
        open_one = Challenge.objects.filter(
            pk=challenge_id,
            consumed_at=None,
            expires_at__gt=now,
            tries__lt=one_time_code.MAX_TRIES,
        )
        taken = open_one.update(tries=F("tries") + 1)
        challenge = Challenge.objects.filter(pk=challenge_id).first()
        if not taken or challenge is None:
            return _over(challenge, now)
        digits = one_time_code.normalise(code) or ""
        digest = _digest(
            ctx,
            account_id=challenge.account_id,
            purpose=challenge.purpose,
            binding=binding,
            code=digits,
        )
        if not same(bytes(challenge.digest), digest):
            note(ctx, kind=Kind.CODE_WRONG, account_id=challenge.account_id, origin=origin)
            left = one_time_code.MAX_TRIES - challenge.tries
            return CodeWrong(left) if left > 0 else CodeOver("tries")
        consumed = Challenge.objects.filter(pk=challenge_id, consumed_at=None).update(
            consumed_at=now
        )
        phone = Phone.objects.filter(account=challenge.account_id, number=challenge.number)
        is_hers = phone.update(last_used_at=now)
        if consumed:
            code_orders.used(_subject(challenge_id))
    if not consumed:
        return CodeOver("used")
    call_off(ctx, challenge_id=challenge_id)
    if not is_hers and challenge.purpose not in _NEW_NUMBER:
        return CodeOver("gone")  # the phone was removed since the code was sent to it
    return CodeRight(number=challenge.number, channel=challenge.channel)


def waiting_for(challenge_id: int) -> Waiting:
    """How the send of a code stands, and from when on another may be asked for."""
    challenge = Challenge.objects.filter(pk=challenge_id).first()
    if challenge is None:
        return Waiting(Standing(jobs.EXPIRED), 0)
    standing = code_orders.standing(_subject(challenge_id)) or Standing(jobs.EXPIRED)
    return Waiting(standing, _again_at(challenge))


def _again_at(challenge: Challenge) -> int:
    """A while after the last one; at once where that one was not sent."""
    standing = code_orders.standing(_subject(challenge.pk))
    not_sent = standing is not None and standing.state in code_orders.NOT_SENT
    return challenge.sent_at + (0 if not_sent else one_time_code.RESEND_AFTER)


def call_off(ctx: Context, *, challenge_id: int) -> None:
    """Send no code for a challenge any more, unless it is being sent."""
    jobs.cancel(subject=_subject(challenge_id), now=ctx.now())


def _subject(challenge_id: int) -> str:
    return f"challenge:{challenge_id}"


def _order(ctx: Context, challenge: Challenge, *, code: str, origin: Origin) -> None:
    send = code_limits.allowed(
        ctx,
        account=challenge.account,
        number=challenge.number,
        origin=origin,
        new_number=challenge.purpose in _NEW_NUMBER,
    )
    job = code_orders.order(
        ctx,
        subject=_subject(challenge.pk),
        account_id=challenge.account_id,
        number=challenge.number,
        channel="voice" if challenge.channel == "voice" else "sms",
        code=code,
        language=challenge.account.language or get_language() or "en",
        expires_at=challenge.expires_at,
        origin=origin,
    )
    sends.add(send, job=job, now=ctx.now())


def _over(challenge: Challenge | None, now: int) -> CodeOver:
    if challenge is None:
        return CodeOver("gone")
    if challenge.consumed_at is not None:
        return CodeOver("used")
    return CodeOver("expired" if challenge.expires_at <= now else "tries")


def _digest(ctx: Context, *, account_id: int, purpose: str, binding: str, code: str) -> bytes:
    return one_time_code.digest(
        key=ctx.keys.current, account_id=account_id, purpose=purpose, binding=binding, code=code
    )
