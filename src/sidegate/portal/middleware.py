"""Every page asks for a sign-in, unless its view is marked as open to all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar, cast
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.sessions.exceptions import SessionInterrupted
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from sidegate.accounts import people_time
from sidegate.decisions.ports import Unavailable
from sidegate.pages import sessions
from sidegate.pages.context import context
from sidegate.pages.origins import address_of
from sidegate.portal import errors, grants, known, sign_in_challenges
from sidegate.portal.visitors import PortalRequest, find_account
from sidegate.storage.outages import failures

log = logging.getLogger(__name__)

View = TypeVar("View", bound=Callable[..., HttpResponse])
WAS_SIGNED_OUT = "ended"
"""The query's word for the sign-in page: this browser was signed in until something ended it."""
_OPEN = "open_to_all"
_SEEN_EVERY = 5 * 60 * 1000
"""Milliseconds: as exact as "last seen" is."""


def open_to_all(view: View) -> View:
    """Mark a view that nobody needs to be signed in for."""
    setattr(view, _OPEN, True)
    return view


class Sessions(SessionMiddleware):
    """Django's, for a session that is ended, or cannot be kept, while its page is made."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Keep what the page put into the session."""
        try:
            return super().process_response(request, response)
        except SessionInterrupted:
            return redirect(f"{reverse('signin')}?{WAS_SIGNED_OUT}=1")
        except failures():
            return errors.unavailable(request)


class SignedIn:
    """Finds the account of the session, sends everybody else to the sign-in page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        people_time.use_zone("")
        with errors.note_writes(request):
            answer = self._get_response(request)
        known.keep(request, answer)
        sign_in_challenges.keep(request, answer)
        return answer

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: object
    ) -> HttpResponse | None:
        """Let a view be called, or answer in its place."""
        try:
            return self._admit(request, view)
        except failures():  # Django asks `process_exception` about views alone
            return errors.unavailable(request)

    def _admit(
        self, request: HttpRequest, view: Callable[..., HttpResponse]
    ) -> HttpResponse | None:
        visitor = cast("PortalRequest", request)
        account = find_account(visitor.session)
        if account is not None:
            visitor.account = account
            if account.language:
                translation.activate(account.language)
            people_time.use_zone(account.time_zone)
        if getattr(view, _OPEN, False):
            return None
        if account is None:
            # What was signed in is over; a sign-in between its two stages is not.
            if sessions.ACCOUNT in visitor.session:
                visitor.session.flush()
            return to_sign_in(request)
        grants.leave_others(visitor, view)
        _seen(visitor)
        return None

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """An outage is said as what it is."""
        if isinstance(problem, (Unavailable, *failures())):
            if isinstance(problem, Unavailable):
                log.warning("a page could not be answered: %s", problem)
            return errors.unavailable(request)
        if isinstance(problem, SessionInterrupted):
            request.session.flush()
            return to_sign_in(request)
        return None


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page, and back; it says so where the browser had been signed in."""
    query = {}
    if request.method in {"GET", "HEAD"} and request.path != "/":
        query["next"] = request.get_full_path()
    # Only a session that was ended leaves its cookie behind: whoever signs out loses it.
    if request.COOKIES.get(settings.SESSION_COOKIE_NAME) and request.session.is_empty():
        query[WAS_SIGNED_OUT] = "1"
    page = reverse("signin")
    return redirect(f"{page}?{urlencode(query)}" if query else page)


def _seen(request: PortalRequest) -> None:
    # Not at each page: reading one should not write.
    now, address = context().now(), address_of(request)
    kept = request.session
    if now - kept.get(sessions.SEEN, 0) > _SEEN_EVERY or kept.get(sessions.ADDRESS) != address:
        kept[sessions.SEEN] = now
        kept[sessions.ADDRESS] = address
