"""A sign-in to the portal: its stages in order, and the one place where it is finished."""

from __future__ import annotations

from typing import NamedTuple

from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import transaction
from django.utils.http import url_has_allowed_host_and_scheme

from sidegate.accounts import password_reset_rows, web_sign_in
from sidegate.pages import sessions
from sidegate.pages.context import context
from sidegate.pages.origins import address_of, origin_of, program_of
from sidegate.portal import known
from sidegate.portal.visitors import PASSWORD_VERSION, SECOND_STEP_AT, PortalRequest
from sidegate.storage.models import Account

STAGE_LASTS = 15 * 60_000
"""Milliseconds between the right password and the second step."""
_PENDING = "waits"
_SECOND_STEP, _RECOVERED = "second_step_at", "recovered_at"


class Pending(NamedTuple):
    """The first stage is passed; the second step is to come."""

    account: Account
    next: str
    reset_id: int | None
    """The link to the recovery address by which it was passed, if any; see `by_mail`."""
    second_step_at: int | None
    """When the second step was given, where a new password follows."""
    recovered: bool
    """The same, where a recovery is finished with it in the place of a second step."""

    @property
    def by_mail(self) -> bool:
        """Whether it was passed by a link: a new password follows, and no sign-in."""
        return self.reset_id is not None


def password_was_right(request: PortalRequest, account: Account, *, next_path: str) -> None:
    """Begin the second stage, in a new session that can do nothing else."""
    _begin(request, account, next_path=next_path, reset_id=None)


def link_was_used(request: PortalRequest, account: Account, *, reset_id: int) -> None:
    """The same for somebody who used a link to the recovery address, and sets a password next."""
    _begin(request, account, next_path="/", reset_id=reset_id)


def _begin(
    request: PortalRequest, account: Account, *, next_path: str, reset_id: int | None
) -> None:
    request.session.flush()
    request.session[_PENDING] = {
        "account": account.pk,
        "version": account.password_version,
        "at": context().now(),
        "next": next_path,
        "reset": reset_id,
    }


def may_set_password(request: PortalRequest, *, recovered: bool) -> None:
    """A second step was given after a link, or a recovery stands for it."""
    key = _RECOVERED if recovered else _SECOND_STEP
    request.session.cycle_key()
    request.session[_PENDING] = {**request.session[_PENDING], key: context().now()}


def began(request: PortalRequest) -> bool:
    """Whether a sign-in was under way in this browser."""
    return _PENDING in request.session


def pending(request: PortalRequest) -> Pending | None:
    """The sign-in that waits for its second step; `None` where none does any more."""
    stage = request.session.get(_PENDING)
    if not stage or context().now() - stage["at"] > STAGE_LASTS:
        return None
    account = Account.objects.filter(
        pk=stage["account"], enabled=True, password_version=stage["version"]
    ).first()
    if account is None or not _holds(account, reset_id=stage["reset"]):
        return None
    return Pending(
        account,
        str(stage["next"]),
        reset_id=stage["reset"],
        second_step_at=stage.get(_SECOND_STEP),
        recovered=_RECOVERED in stage,
    )


def _holds(account: Account, *, reset_id: int | None) -> bool:
    return reset_id is None or password_reset_rows.holds(account=account, reset_id=reset_id)


def finish(
    request: PortalRequest, account: Account, *, step: str, given_at: int | None = None
) -> None:
    """Sign the browser in: the only place where that happens.

    `step` says by which second step, as `web_sign_in.finished` takes it; empty for none.
    `given_at` is when this browser gave its second step, where that was at an earlier sign-in:
    whatever asks for a fresh one asks again. `account` is as it was when the sign-in was judged:
    raises `SessionInterrupted` where what it rests on was taken away since.

    The last look and the session's row are one transaction under the account's lock: what is
    taken away earlier refuses the sign-in, what is taken away later finds a session to end.
    """
    if account.two_step and not step:
        raise ValueError("a sign-in without its second step")
    token, origin = known.token_of(request), origin_of(request)
    with transaction.atomic():
        if not web_sign_in.finished(
            context(), account=account, step=step, browser=token, origin=origin
        ):
            raise SessionInterrupted("what the sign-in rests on was taken away")
        _begin_session(request, account, step=step, given_at=given_at)
    known.remember(request, token)
    request.session.clear_expired()


def _begin_session(
    request: PortalRequest, account: Account, *, step: str, given_at: int | None
) -> None:
    now = context().now()
    request.session.flush()
    request.session.update(
        {
            sessions.ACCOUNT: account.pk,
            sessions.SEEN: now,
            sessions.PROGRAM: program_of(request),
            sessions.ADDRESS: address_of(request),
            PASSWORD_VERSION: account.password_version,
        }
    )
    if step:
        request.session[SECOND_STEP_AT] = now if given_at is None else given_at
    request.session.create()


def safe_next(request: PortalRequest) -> str:
    """The page to go to after the sign-in: of this site, the start page otherwise."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    same_site = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if same_site and wanted.startswith("/") else "/"
