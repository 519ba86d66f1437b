"""What keeps codes from being asked for without end: counted, refused, the operator told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import CodesStopped, TooManyCodes
from sidegate.accounts.notices import tell_operators
from sidegate.config.options import Codes
from sidegate.decisions import sends as rules
from sidegate.decisions.sends import MINUTE, Conversion, Limit, Refused, Scope, Why
from sidegate.decisions.throttle import DAY, HOUR, network_of, tells_who_asks
from sidegate.events.catalogue import Kind
from sidegate.factors import phone_number
from sidegate.factors.digests import keyed_digest
from sidegate.factors.one_time_code import LIFETIME
from sidegate.storage import sends
from sidegate.storage.models import Account
from sidegate.storage.sends import Send

log = logging.getLogger(__name__)

_SHARED: dict[Scope, Why] = {Scope.PREFIX: Why.PREFIX, Scope.ALL: Why.ALL}
"""Limits that keep codes from others than who asks."""
_OWN: dict[tuple[Scope, int], Promise] = {
    (Scope.NUMBER, 10 * MINUTE): _(
        "%(count)s codes were sent to this number within 10 minutes, the most allowed."
    ),
    (Scope.NUMBER, HOUR): _(
        "%(count)s codes were sent to this number within the last hour, the most allowed."
    ),
    (Scope.NUMBER, DAY): _(
        "%(count)s codes were sent to this number within a day, the most allowed."
    ),
    (Scope.ACCOUNT, HOUR): _(
        "%(count)s codes were sent for your account within the last hour, the most allowed."
    ),
    (Scope.ACCOUNT, DAY): _(
        "%(count)s codes were sent for your account within a day, the most allowed."
    ),
}
_NETWORK = _("As many codes as are allowed were asked for from where you are.")
_STOPPED: dict[Why, Promise] = {
    Why.PREFIX: _("As many codes as are allowed went to numbers that begin like this one."),
    Why.ALL: _("As many codes as are allowed were sent to everybody's phones."),
    Why.SPEND: _("As many codes as are allowed were sent to everybody's phones."),
    Why.CONVERSION: _(
        "Codes to numbers that begin like this one were hardly ever used, so no new number of "
        "this kind can be added for now."
    ),
}


@contextmanager
def counted(ctx: Context) -> Iterator[None]:
    """A transaction in which codes are counted; what stops them is told once it is undone."""
    try:
        with transaction.atomic():
            yield
    except CodesStopped as stopped:
        _tell(ctx, stopped)
        raise


def allowed(
    ctx: Context, *, account: Account, number: str, origin: Origin, new_number: bool
) -> Send:
    """What the next code counts under, where there may be one; within `counted`.

    Raises `TooManyCodes`. `new_number`: nobody has verified that it is this account's yet.
    """
    now = ctx.now()
    sends.lock(now=now)
    send = _send(ctx, account=account, number=number, origin=origin)
    refused = _by_count(ctx, send) or _by_price(ctx, send)
    if refused is None and new_number and rules.hardly_used(conversion_of(ctx, send.prefix)):
        at = sends.judged_again_at(send.prefix, settled_by=now - LIFETIME, now=now)
        refused = Refused(Why.CONVERSION, at)
    if refused is not None:
        raise _said(refused, send)
    return send


def notice_allowed(ctx: Context, *, account: Account, number: str, origin: Origin) -> Send | None:
    """What a text message that carries no code counts under; `None` where there may be none.

    Of a limit that holds for many the operator is told, as with codes.
    """
    now = ctx.now()
    sends.lock(now=now)
    send = _send(ctx, account=account, number=number, origin=origin)
    many = rules.limits_of_notices(daily_most=ctx.config.codes.daily_most)
    nth = sends.nth_newest(send, many, now=now)
    refused = rules.by_count(nth, now=now) or _by_price(ctx, send)
    if refused is not None:
        stopped = _said(refused, send)
        if isinstance(stopped, CodesStopped):
            _tell(ctx, stopped)
        return None
    for within, most in rules.NOTICES.items():
        if sends.told(send.number, since=now - within) >= most:
            return None
    return send


def conversion_of(ctx: Context, prefix: str) -> Conversion:
    """What came of a prefix's codes of the last day."""
    now = ctx.now()
    return sends.conversion(prefix, settled_by=now - LIFETIME, now=now)


class Seen(NamedTuple):
    """The codes of the last 24 hours."""

    codes: int
    spent: float
    """In the operator's currency."""
    by_prefix: dict[str, Conversion]


def seen(*, now: int) -> Seen:
    """What whoever watches is told."""
    return Seen(
        sends.within_a_day(now=now),
        sum(paid for _at, paid in sends.spent(now=now)) / rules.MILLIONTHS,
        sends.conversions(settled_by=now - LIFETIME, now=now),
    )


class Stop(NamedTuple):
    """Codes that were refused to others than who asked, within the last day."""

    why: Why
    prefix: str
    """Of a prefix alone."""
    at: int
    """When it was told first that day, in milliseconds since the epoch."""
    holds: bool
    """It is so now."""


def stops(ctx: Context) -> list[Stop]:
    """What the operator was told of, the last one first."""
    now = ctx.now()
    holding = stopped(ctx.config.codes, now=now)
    found = []
    for what, at in sends.stops_told(now=now).items():
        said, plus, digits = what.partition("+")
        why, prefix = Why(said), plus + digits
        named = prefix if why is Why.CONVERSION else why
        found.append(Stop(why, prefix, at, named in holding or _full(ctx, why, prefix)))
    return found


def _full(ctx: Context, why: Why, prefix: str) -> bool:
    """Whether as many codes were sent as a limit for many people allows."""
    limits = rules.limits(daily_most=ctx.config.codes.daily_most)
    shared = [limit for limit in limits if _SHARED.get(limit.scope) is why]
    nobody = Send(account=0, number="", network="", prefix=prefix, price=0)
    return bool(sends.nth_newest(nobody, shared, now=ctx.now()))


def stopped(codes: Codes, *, now: int) -> list[str]:
    """What is stopped now: "daily-limit", "daily-spend", prefixes. For the operator."""
    found = seen(now=now)
    stopped = [Why.ALL.value] if found.codes >= codes.daily_most else []
    if codes.daily_spend and found.spent + min(codes.prices.values()) > codes.daily_spend:
        stopped.append(Why.SPEND)
    return stopped + [prefix for prefix, of in found.by_prefix.items() if rules.hardly_used(of)]


def _send(ctx: Context, *, account: Account, number: str, origin: Origin) -> Send:
    hidden = keyed_digest(key=ctx.keys.current, purpose=b"count-number", parts=(number.encode(),))
    return Send(
        account=account.pk,
        number=hidden.hex()[:32],
        network=network_of(origin.address),
        prefix=phone_number.prefix_of(number, digits=rules.PREFIX_DIGITS),
        price=rules.price_of(phone_number.country_of(number), prices=ctx.config.codes.prices),
    )


def _by_count(ctx: Context, send: Send) -> Refused | None:
    now = ctx.now()
    somewhere = tells_who_asks(send.network)
    limits = [
        limit
        for limit in rules.limits(daily_most=ctx.config.codes.daily_most)
        if somewhere or limit.scope is not Scope.NETWORK
    ]
    return rules.by_count(sends.nth_newest(send, limits, now=now), now=now)


def _by_price(ctx: Context, send: Send) -> Refused | None:
    most = ctx.config.codes.daily_spend
    if not most:
        return None
    now = ctx.now()
    most = round(most * rules.MILLIONTHS)
    return rules.by_price(sends.spent(now=now), price=send.price, most=most, now=now)


def _said(refused: Refused, send: Send) -> TooManyCodes:
    by = refused.by
    why = by if isinstance(by, Why) else _SHARED.get(by.scope)
    if why is not None:
        prefix = send.prefix if why in (Why.PREFIX, Why.CONVERSION) else ""
        return CodesStopped(_STOPPED[why], retry_at=refused.retry_at, why=why, prefix=prefix)
    assert isinstance(by, Limit)  # noqa: S101 - what is no `Why`
    text = _OWN.get((by.scope, by.within))
    said = str(_NETWORK) if text is None else str(text) % {"count": by.most}
    return TooManyCodes(said, retry_at=refused.retry_at)


def _tell(ctx: Context, stopped: CodesStopped) -> None:
    """Tell the operator, once a day for each of them."""
    with transaction.atomic():
        if not sends.stop_first_told(f"{stopped.why}{stopped.prefix}", now=ctx.now()):
            return
        log.warning("codes are stopped: %s %s", stopped.why, stopped.prefix)
        note(
            ctx,
            kind=Kind.CODES_STOPPED,
            account_id=None,
            origin=Origin(by="operator"),
            reason=stopped.why,
            prefix=stopped.prefix,
        )
        what = f"{stopped.why} {stopped.prefix}".strip()
        tell_operators(ctx, kind=Kind.CODES_STOPPED, what=what)
