"""Sensitive areas of the portal, and who may be in one.

An area is entered with the account password each time; where 2-Step Verification is
on, with a code too, unless a second step was given in this session's last 5 minutes.
A grant ends with the first page outside its area, or 5 minutes after that proof: no page
makes it last longer. What was asked for inside it and has to be waited for, a code to a new
phone say, may be answered later, and that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from django.http.response import HttpResponseBase

from sidegate.pages.context import context
from sidegate.portal.visitors import SECOND_STEP_AT, PortalRequest

MINUTE = 60_000
FRESH = 5 * MINUTE
"""Milliseconds for which a proof counts: a second step for whatever asks for one, and an area."""
_CODE_WITHIN = 10 * MINUTE
"""Milliseconds after the password for the second step that completes the proof."""

_ENTERED = "entered"
_AREA, _PATH = "area", "path"
_PASSWORD_AT, _OPENED_AT, _ANSWER_BY = "password_at", "opened_at", "answer_by"
_PUT_BY = "put_by"
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
    """Whether the area is open to this session."""
    entered = request.session.get(_ENTERED)
    if not entered or entered[_AREA] != area or _OPENED_AT not in entered:
        return False
    return bool(context().now() - entered[_OPENED_AT] <= FRESH)


def wait_for_answer(request: PortalRequest, area: Area, *, lifetime: int) -> None:
    """Let what was just asked for in the open area be answered within `lifetime` milliseconds.

    Asked for once the area has closed, it can be answered no longer than before.
    """
    if is_open(request, area):
        answer_by = context().now() + lifetime
        request.session[_ENTERED] = {**request.session[_ENTERED], _ANSWER_BY: answer_by}


def may_answer(request: PortalRequest, area: Area) -> bool:
    """Whether the area is open, or waits for an answer that was asked for while it was."""
    if is_open(request, area):
        return True
    entered = request.session.get(_ENTERED)
    if not entered or entered[_AREA] != area:
        return False
    return bool(context().now() < entered.get(_ANSWER_BY, 0))


def password_given(request: PortalRequest, area: Area, *, path: str) -> None:
    """Remember that the password was right, and where to go on."""
    _enter(request, area, {_PATH: path, _PASSWORD_AT: context().now()})


def awaited(request: PortalRequest) -> tuple[Area, str] | None:
    """The area that a code is still needed for, and its path."""
    entered = request.session.get(_ENTERED)
    if not entered or _PASSWORD_AT not in entered:
        return None
    if context().now() - entered[_PASSWORD_AT] > _CODE_WITHIN:
        return None
    return Area(entered[_AREA]), str(entered[_PATH])


def grant(request: PortalRequest, area: Area) -> None:
    """Open the area: the session is trusted more from here on, so its key changes."""
    request.session.cycle_key()
    _enter(request, area, {_OPENED_AT: context().now()})


def put_by(request: PortalRequest, area: Area, typed: dict[str, list[str]]) -> None:
    """Keep what a form held that came too late, until its page can be shown again.

    It goes with the first page outside the area, as a grant does.
    """
    request.session[_ENTERED] = {**_of(request, area), _PUT_BY: (request.path, typed)}


def take_back(request: PortalRequest) -> dict[str, list[str]]:
    """What was put by on this page, once."""
    entered = request.session.get(_ENTERED, {})
    path, typed = entered.get(_PUT_BY, ("", {}))
    if path != request.path:
        return {}
    request.session[_ENTERED] = {key: entered[key] for key in entered if key != _PUT_BY}
    return dict(typed)


def _enter(request: PortalRequest, area: Area, proved: dict[str, str | int]) -> None:
    before = _of(request, area)
    stays = {key: before[key] for key in (_AREA, _ANSWER_BY, _PUT_BY) if key in before}
    request.session[_ENTERED] = {**stays, **proved}


def _of(request: PortalRequest, area: Area) -> dict[str, Any]:
    """What the session knows of the area; of one at a time, so of none before."""
    entered = request.session.get(_ENTERED)
    return dict(entered) if entered and entered[_AREA] == area else {_AREA: area}


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
