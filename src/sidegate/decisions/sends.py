"""Whether one more code may be sent: limits by count, by price and by what comes of codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple

from sidegate.decisions.throttle import DAY, HOUR

MINUTE = 60_000
PREFIX_DIGITS = 3
"""Of the number without its country code; they stand for the operator that sold it."""
LEAST_JUDGED = 20
"""Codes of a prefix within a day before what came of them says anything."""
FLOOR = 0.2
"""Codes used of those sent, below which a prefix is stopped."""
MILLIONTHS = 1_000_000
"""Prices are counted in whole millionths of the operator's currency."""
NOTICES = {HOUR: 3, DAY: 6}
"""Text messages that carry no code, to one number, within so many milliseconds."""


class Scope(StrEnum):
    """What codes are counted together for."""

    NUMBER = "number"
    ACCOUNT = "account"
    NETWORK = "network"
    PREFIX = "prefix"
    ALL = "all"


class Why(StrEnum):
    """What stops codes for others than who asks, too: the operator is told."""

    PREFIX = "prefix-limit"
    ALL = "daily-limit"
    SPEND = "daily-spend"
    CONVERSION = "hardly-used"


class Limit(NamedTuple):
    """So many codes of a scope within so many milliseconds."""

    scope: Scope
    most: int
    within: int


class Conversion(NamedTuple):
    """What came of the codes of one prefix; those that may still be used are left out."""

    sent: int
    used: int


class Refused(NamedTuple):
    """No code now. `retry_at` is in milliseconds since the epoch."""

    by: Limit | Why
    retry_at: int


def limits(*, daily_most: int) -> tuple[Limit, ...]:
    """Every limit by count; those for many people grow with the operator's daily one."""
    return (
        Limit(Scope.NUMBER, 3, 10 * MINUTE),
        Limit(Scope.NUMBER, 5, HOUR),
        Limit(Scope.NUMBER, 10, DAY),
        Limit(Scope.ACCOUNT, 5, HOUR),
        Limit(Scope.ACCOUNT, 15, DAY),
        Limit(Scope.NETWORK, 50, HOUR),
        Limit(Scope.NETWORK, 200, DAY),
        Limit(Scope.PREFIX, _share(daily_most, 10), HOUR),
        Limit(Scope.PREFIX, _share(daily_most, 2), DAY),
        Limit(Scope.ALL, _share(daily_most, 4), HOUR),
        Limit(Scope.ALL, daily_most, DAY),
    )


def limits_of_notices(*, daily_most: int) -> tuple[Limit, ...]:
    """Those that hold for a notice to a phone, too: they bound what everybody's cost."""
    shared = {Scope.PREFIX, Scope.ALL}
    return tuple(limit for limit in limits(daily_most=daily_most) if limit.scope in shared)


def by_count(nth: Mapping[Limit, int], *, now: int) -> Refused | None:
    """The limit that holds longest. `nth` has the time of each limit's `most`-th newest code."""
    held = [
        Refused(limit, at + limit.within) for limit, at in nth.items() if at > now - limit.within
    ]
    return max(held, key=lambda refused: refused.retry_at, default=None)


def by_price(
    spent: Collection[tuple[int, int]], *, price: int, most: int, now: int
) -> Refused | None:
    """Refuse what would cost more than `most` within a day.

    `spent` has time and price of each code of the last day; prices in millionths. One that
    alone costs more than a day may is asked about again a day later.
    """
    over = sum(paid for _at, paid in spent) + price - most
    if over <= 0:
        return None
    for at, paid in sorted(spent):
        over -= paid
        if over <= 0:
            return Refused(Why.SPEND, at + DAY)
    return Refused(Why.SPEND, now + DAY)


def hardly_used(seen: Conversion) -> bool:
    """Whether a prefix is stopped for numbers that nobody has verified yet."""
    return seen.sent >= LEAST_JUDGED and seen.used < FLOOR * seen.sent


def price_of(country: str, *, prices: Mapping[str, float]) -> int:
    """What one code costs, in millionths: the country's price, that of "*", or the dearest."""
    if not prices:
        return 0
    price = prices.get(country, prices.get("*", max(prices.values())))
    return round(price * MILLIONTHS)


def _share(daily_most: int, part: int) -> int:
    """A part of the daily limit, but never so small that a small installation stumbles on it."""
    return max(min(daily_most, 20), daily_most // part)
