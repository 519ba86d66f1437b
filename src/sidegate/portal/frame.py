"""What the frame of every portal page shows: a context processor."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import recovery_rows
from sidegate.accounts.enforcing import enforced
from sidegate.pages.context import context
from sidegate.portal.visitors import account_of
from sidegate.storage.models import Account


class Place(NamedTuple):
    """A link of the left navigation."""

    name: Promise
    path: str
    icon: str
    here: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """The site's name, whoever is signed in, the navigation, the notice."""
    config, account = context().config, account_of(request)
    holds = account is None or enforced(config).holds_for(account.address)
    return {
        "site_name": config.server.name,
        "portal_url": config.server.url,
        "account": account,
        "places": _places(request.path),
        "mail_path": config.server.webmail or reverse("mail"),
        "codes_on_screen": config.shows_codes_on_screen,
        # 2-step that does not hold for mail programs yet: no page may leave that out.
        "only_watched": account is not None and account.two_step and not holds,
        # Asked for where a page shows it: an error's does not, as the database may be away.
        "recovery": SimpleLazyObject(lambda: _recovery(account)),
    }


def _recovery(account: Account | None) -> recovery_rows.Open | None:
    """One that is under way: every page says so, and can stop it."""
    if account is None or not account.two_step:
        return None
    return recovery_rows.under_way(context(), account=account)


def _places(path: str) -> list[Place]:
    links = (
        (_("Home"), "/", "home"),
        (_("Personal info"), "/personal", "identification"),
        (_("Security"), "/security", "lock-closed"),
        (_("Activity"), "/activity", "clock"),
    )
    return [
        Place(name, link, icon, path == link or (link != "/" and path.startswith(link)))
        for name, link, icon in links
    ]
