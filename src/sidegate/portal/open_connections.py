"""What a page says of mail programs that are still connected after a change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sidegate.accounts import open_sessions
from sidegate.accounts.enforcing import enforced
from sidegate.pages.context import context
from sidegate.portal.visitors import PortalRequest
from sidegate.storage.models import Account

_TOLD_AGAIN = gettext_lazy(
    "A mail program is still connected with a password that no longer counts: the mail server "
    "could not be told to end that yet. It is told again every few seconds, and nothing new opens "
    "meanwhile."
)
_NEVER_TOLD = gettext_lazy(
    "A mail program is still connected with a password that no longer counts, and this mail server "
    "cannot be told to end that. The connection ends when the program or the server closes it; "
    "nothing new opens meanwhile."
)


@contextmanager
def ended_after(request: PortalRequest) -> Iterator[None]:
    """Around a change: wait until what it forbids has ended, and tell how long it took."""
    account = request.account
    before = open_sessions.of(account)
    yield
    took = open_sessions.seconds_until_ended(
        account, enforced(context().config), now=context().now()
    )
    if took is None:
        return  # every page that is about it says so, as long as it lasts
    if before - open_sessions.of(account):
        seconds = number_format(max(took, 0.1), decimal_pos=1)
        said = _("Open connections were ended in %(seconds)s s.")
        messages.success(request, said % {"seconds": seconds})


def still_open(account: Account) -> Promise | None:
    """What to say of connections that a revocation did not end (yet)."""
    if not open_sessions.lingering(account, enforced(context().config), now=context().now()):
        return None
    return _TOLD_AGAIN if context().config.doveadm.url else _NEVER_TOLD
