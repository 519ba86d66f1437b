"""Sensitive areas of the portal, and who may be in one.

An area is entered with the account password each time; where 2-Step Verification is
on, with a code too, unless a second step was given in this session's last 5 minutes.
A grant ends with the first page outside its area, or after 5 minutes without a page.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from django.http.response import HttpResponseBase

from sidegate.pages.context import context
from sidegate.portal.visitors import SECOND_STEP_AT, PortalRequest

MINUTE = 60_000
FRESH = 5 * MINUTE
"""Milliseconds for which a second step counts for whatever asks for one."""

_ENTERED = "entered"
_AREA = "area"
_BETWEEN = "between_areas"


class Area(StrEnum):
    """What may be entered."""

    PASSWORD = "password"  # noqa: S105 - a name, not a secret
    TURN_ON = "turn-on"
    TURN_OFF = "turn-off"
    STEPS = "second-steps"
    APP_PASSWORDS = "app-passwords"
    RECOVERY_ADDRESS = "recovery-address"
    OWN_DATA = "own-data"


PERSONAL = frozenset({Area.RECOVERY_ADDRESS, Area.OWN_DATA})
"""Areas that lie under Personal info; the others lie under Security."""
_LIFETIMES = {
    Area.PASSWORD: FRESH,
    # As long as a code is good: whoever waits for a call is not asked again.
    Area.TURN_ON: 10 * MINUTE,
    Area.TURN_OFF: FRESH,
    Area.STEPS: 10 * MINUTE,
    Area.APP_PASSWORDS: FRESH,
    # A message may be slower than an SMS.
    Area.RECOVERY_ADDRESS: 30 * MINUTE,
    Area.OWN_DATA: FRESH,
}

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def inside(*areas: Area) -> Callable[[View], View]:
    """Mark a view as part of areas: going to it leaves none of them."""

    def mark(view: View) -> View:
        setattr(view, _AREA, areas)
        return view

    return mark


def between_areas(view: View) -> View:
    """Mark a view that belongs to whichever area is being entered."""
    setattr(view, _BETWEEN, True)
    return view


def leave_others(request: PortalRequest, view: object) -> None:
    """End the grant of an area that this view is not part of."""
    entered = request.session.get(_ENTERED)
    if (
        entered
        and not getattr(view, _BETWEEN, False)
        and entered[_AREA] not in getattr(view, _AREA, ())
    ):
        del request.session[_ENTERED]


def is_open(request: PortalRequest, area: Area) -> bool:
    """Whether the area is open to this session; changes nothing."""
    entered = request.session.get(_ENTERED)
    if not entered or entered[_AREA] != area or "used_at" not in entered:
        return False
    return bool(context().now() - entered["used_at"] <= _LIFETIMES[area])


def holds(request: PortalRequest, area: Area) -> bool:
    """Whether the area is open to this session; a page inside keeps it so."""
    if not is_open(request, area):
        return False
    entered = request.session[_ENTERED]
    request.session[_ENTERED] = {**entered, "used_at": context().now()}
    return True


def password_given(request: PortalRequest, area: Area, *, path: str) -> None:
    """Remember that the password was right, and where to go on."""
    request.session[_ENTERED] = {_AREA: area, "path": path, "password_at": context().now()}


def awaited(request: PortalRequest) -> tuple[Area, str] | None:
    """The area that a code is still needed for, and its path."""
    entered = request.session.get(_ENTERED)
    if not entered or "used_at" in entered:
        return None
    if context().now() - entered["password_at"] > 10 * MINUTE:
        return None
    return Area(entered[_AREA]), str(entered["path"])


def grant(request: PortalRequest, area: Area, *, path: str) -> None:
    """Open the area: the session is trusted more from here on, so its key changes."""
    request.session.cycle_key()
    request.session[_ENTERED] = {_AREA: area, "path": path, "used_at": context().now()}


def end(request: PortalRequest) -> None:
    """Close whichever area is open."""
    request.session.pop(_ENTERED, None)


def second_step_is_fresh(request: PortalRequest) -> bool:
    """Whether a second step was given in this session's last 5 minutes."""
    given = request.session.get(SECOND_STEP_AT)
    return given is not None and context().now() - given <= FRESH


def second_step_given(request: PortalRequest) -> None:
    """Remember that a second step was given just now."""
    request.session[SECOND_STEP_AT] = context().now()
