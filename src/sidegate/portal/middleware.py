"""Every page asks for a sign-in, unless its view is marked as open to all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast
from urllib.parse import urlencode

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from sidegate.decisions.ports import Unavailable
from sidegate.pages import sessions
from sidegate.pages.context import context
from sidegate.portal import errors, grants
from sidegate.portal.visitors import PortalRequest, address_of, find_account

View = TypeVar("View", bound=Callable[..., HttpResponse])
_OPEN = "open_to_all"
_SEEN_EVERY = 60 * 60 * 1000


def open_to_all(view: View) -> View:
    """Mark a view that nobody needs to be signed in for."""
    setattr(view, _OPEN, True)
    return view


class SignedIn:
    """Finds the account of the session, sends everybody else to the sign-in page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: object
    ) -> HttpResponse | None:
        """Let a view be called, or answer in its place."""
        visitor = cast("PortalRequest", request)
        account = find_account(visitor.session)
        if account is not None:
            visitor.account = account
            if account.language:
                translation.activate(account.language)
        if getattr(view, _OPEN, False):
            return None
        if account is None:
            # What was signed in is over; a sign-in between its two stages is not.
            if sessions.ACCOUNT in visitor.session:
                visitor.session.flush()
            return _to_sign_in(request)
        grants.leave_others(visitor, view)
        _seen(visitor)
        return None

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """An outage is said as what it is."""
        if isinstance(problem, Unavailable | DatabaseError):
            return errors.unavailable(request)
        return None


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    page = reverse("signin")
    if request.method in {"GET", "HEAD"} and request.path != "/":
        page += "?" + urlencode({"next": request.get_full_path()})
    return redirect(page)


def _seen(request: PortalRequest) -> None:
    # Once an hour is enough for "last seen", and keeps reading a page from writing.
    now = context().now()
    if now - request.session.get(sessions.SEEN, 0) > _SEEN_EVERY:
        request.session[sessions.SEEN] = now
        request.session[sessions.ADDRESS] = address_of(request)
