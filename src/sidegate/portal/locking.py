"""Locking one's account by the link of a message: "This wasn't me".

Looking at the page changes nothing: mail programs and scanners follow links by themselves.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render

from sidegate.accounts import lock_links, locking, undoing
from sidegate.accounts.undoing import Changes, Item
from sidegate.pages.context import context
from sidegate.pages.origins import origin_of
from sidegate.portal.middleware import open_to_all
from sidegate.portal.visitors import PortalRequest

_DONE = "locked"
"""What the session keeps of a locking, to be told on the next page: words and masked names."""


@open_to_all
def lock(request: PortalRequest, token: str) -> HttpResponse:
    """What locking means and undoes, and *Lock my account*."""
    if request.method == "POST":
        done = locking.lock(context(), token=token, origin=origin_of(request))
        if done is not None:
            # It may be this account's session, which has just ended.
            request.session.flush()
            request.session[_DONE] = _kept(done)
            return redirect("locked")
    link = lock_links.find(context(), token=token)
    if link is None:
        return render(request, "portal/lock_over.html", status=404)
    found = undoing.changes(link.account, since=link.since)
    shown = {"address": link.account.address, "since": link.since, **_shown(_kept(found))}
    return render(request, "portal/lock.html", shown)


@open_to_all
def locked(request: PortalRequest) -> HttpResponse:
    """What was undone, and what to do next."""
    return render(request, "portal/locked.html", _shown(request.session.get(_DONE, {})))


def _kept(found: Changes) -> dict[str, list[Item]]:
    return {
        "removed": found.removed,
        "revoked": found.revoked,
        "put_back": found.put_back,
        "lost": [*found.lost],
    }


def _shown(kept: dict[str, list[Item]]) -> dict[str, list[tuple[str, str]]]:
    """Each in words, with its name."""
    return {
        group: [(str(undoing.WORDS[what]), name) for what, name in items]
        for group, items in kept.items()
    }
