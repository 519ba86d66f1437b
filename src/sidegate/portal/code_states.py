"""How the send of a code stands, in words for the person who waits for it."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from sidegate.accounts.code_orders import (
    DELIVERED,
    FAILED,
    SENT,
    UNSURE,
    Fault,
    Standing,
)
from sidegate.storage.jobs import WAITING

_SOON, _LATER = 2, 5
"""Seconds between two looks: while it is being sent, and while a receipt may come."""
RECEIPTS_FOR = 120_000
"""Milliseconds for which a page looks for a receipt."""


class Shown(NamedTuple):
    """What the page says."""

    text: str
    look: str = "lead"
    """The classes of its style."""
    again_after: int = 0
    """Seconds after which to look again; 0 for never."""


_ON_THE_WAY: dict[str, Promise] = {
    "sms": gettext_lazy("We are sending a text message with a code of 6 digits to %(number)s."),
    "voice": gettext_lazy("We are calling %(number)s. You will hear a code of 6 digits, twice."),
}
_SENT: dict[str, Promise] = {
    "sms": gettext_lazy("We sent a text message with a code of 6 digits to %(number)s."),
    "voice": _ON_THE_WAY["voice"],
}
_DELIVERED: dict[str, Promise] = {
    "sms": gettext_lazy("A text message with a code of 6 digits has arrived at %(number)s."),
    "voice": gettext_lazy("We called %(number)s and said a code of 6 digits."),
}
_OPEN: dict[str, Promise] = {
    WAITING: gettext_lazy(
        "The code could not be sent to %(number)s yet. We keep trying. "
        "You can also try another way."
    ),
    UNSURE: gettext_lazy(
        "We cannot tell whether the code went out to %(number)s. "
        "If nothing comes within a minute, send a new one or try another way."
    ),
}
_FAILED: dict[str, Promise] = {
    "no-answer": gettext_lazy(
        "We called %(number)s, and nobody answered. Send a new code, or try another way."
    ),
    "line-busy": gettext_lazy(
        "We called %(number)s, and the line was busy. Send a new code, or try another way."
    ),
    "declined": gettext_lazy(
        "We called %(number)s, and the call was declined. Send a new code, or try another way."
    ),
    "cut-short": gettext_lazy(
        "The call to %(number)s ended before the code was said. "
        "Send a new code, or try another way."
    ),
    Fault.NOT_DELIVERED: gettext_lazy(
        "The code did not arrive at %(number)s. Send a new one, or try another way."
    ),
}
_NOT_REACHABLE = gettext_lazy(
    "The code could not be sent: %(number)s cannot be reached. "
    "Check the number, or try another way."
)
_TOO_LATE = gettext_lazy(
    "The code could not be sent to %(number)s. Send a new one, or try another way."
)
_OPEN_LOOK, _WRONG_LOOK = "said", "said error"


def in_words(standing: Standing, *, channel: str, number: str, now: int) -> Shown:
    """What to say; `number` is written as this page may show it."""
    shown = _shown(standing, channel, now)
    return shown._replace(text=shown.text % {"number": number})


def _shown(standing: Standing, channel: str, now: int) -> Shown:
    state = standing.state
    if state == WAITING and not standing.why:
        return Shown(str(_ON_THE_WAY[channel]), again_after=_SOON)
    if state == SENT:
        more = standing.has_receipts and now - standing.at < RECEIPTS_FOR
        return Shown(str(_SENT[channel]), again_after=_LATER if more else 0)
    if state == DELIVERED:
        return Shown(str(_DELIVERED[channel]))
    if state in (WAITING, UNSURE):
        return Shown(str(_OPEN[state]), _OPEN_LOOK, _SOON if state == WAITING else 0)
    if state == FAILED:
        return Shown(str(_FAILED.get(standing.why, _NOT_REACHABLE)), _WRONG_LOOK)
    return Shown(str(_TOO_LATE), _WRONG_LOOK)
