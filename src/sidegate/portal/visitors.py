"""Who sends a request: the account behind its session."""

from __future__ import annotations

from django.http import HttpRequest

from sidegate.pages import sessions
from sidegate.pages.sessions import SessionStore
from sidegate.storage.models import Account

PASSWORD_VERSION = "version"  # noqa: S105 - a name in the session, not a secret
SECOND_STEP_AT = "second_step_at"


class PortalRequest(HttpRequest):
    """A request as the portal's views get it, past its middleware."""

    session: SessionStore
    account: Account
    """Whose session it is; on pages open to all it may be missing (`account_of`)."""


def account_of(request: HttpRequest) -> Account | None:
    """The account that is signed in, on any page."""
    return getattr(request, "account", None)


def find_account(session: SessionStore) -> Account | None:
    """The account that a session is signed in to, as far as that still holds.

    A session ends with a new account password, with the account's being disabled, and
    where 2-step came on, or on again, after the second step that it was given, if any.
    """
    account_id = session.get(sessions.ACCOUNT)
    if account_id is None:
        return None
    account = Account.objects.filter(pk=account_id, enabled=True).first()
    if account is None or account.password_version != session.get(PASSWORD_VERSION):
        return None
    if account.two_step_since is not None and (
        session.get(SECOND_STEP_AT, 0) < account.two_step_since
    ):
        return None
    return account
