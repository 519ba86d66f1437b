"""What keeps codes from phones, in an operator's language: stops of the last day, gateways."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sidegate.accounts import code_limits
from sidegate.accounts.context import Context
from sidegate.decisions.sends import Why


class Line(NamedTuple):
    """What happened, when, and what to do."""

    label: str
    text: str
    at: int
    to_do: str


_STOPPED: dict[Why, Promise] = {
    Why.ALL: gettext_lazy(
        "As many codes were sent in an hour or a day as daily_most allows: nobody got another."
    ),
    Why.SPEND: gettext_lazy("Codes cost as much as daily_spend allows: nobody got another."),
    Why.PREFIX: gettext_lazy(
        "As many codes as are allowed went to numbers that begin with %(prefix)s: they got no more."
    ),
    Why.CONVERSION: gettext_lazy(
        "Hardly any code to numbers that begin with %(prefix)s was used: no new number like "
        "them could be added."
    ),
}
_AWAY = gettext_lazy("It could not be reached, or the connection broke.")
_SLOW = gettext_lazy("It did not answer in time.")
_REFUSED = gettext_lazy("It did not take the message.")
_FAILED: dict[str, Promise] = {
    "away": _AWAY,
    "dropped": _AWAY,
    "slow": _SLOW,
    "timeout": _SLOW,
    "busy": gettext_lazy("It was too busy."),
    "credentials": gettext_lazy("It did not accept our user name or password."),
    "credit": gettext_lazy("There is no money left on its account."),
    "refused": _REFUSED,
    "missing": gettext_lazy("A program that it needs is not installed."),
}
_BROKEN = gettext_lazy("It could not be used: its answer made no sense, or it did not start.")


def lines(ctx: Context) -> list[Line]:
    """All of them; empty where codes reach phones."""
    return [*_stops(ctx), *_gateways(ctx)]


def _stops(ctx: Context) -> list[Line]:
    to_do = _(
        "On the server, sidegate check says what is stopped, and sidegate events who "
        "asked for codes. Raise a limit only where it was a busy day."
    )
    return [
        Line(
            label=_("Codes by phone are stopped")
            if stop.holds
            else _("Codes by phone were stopped"),
            text=str(_STOPPED[stop.why]) % {"prefix": stop.prefix},
            at=stop.at,
            to_do=to_do,
        )
        for stop in code_limits.stops(ctx)
    ]


def _gateways(ctx: Context) -> list[Line]:
    to_do = _(
        "On the server, sidegate check asks each gateway. The codes that follow try it again."
    )
    return [
        Line(
            label=_("The gateway %(name)s does not work") % {"name": trouble.name},
            text=str(_FAILED.get(trouble.why, _BROKEN)),
            at=trouble.at,
            to_do=to_do,
        )
        for trouble in ctx.gateway_troubles.all()
    ]
