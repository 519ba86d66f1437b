"""A forgotten password: asked for, a link to the recovery address, a new one set.

Asking writes one job and looks no account up: whoever asks cannot tell by text, time or work
whether there is one. The job's handler (`password_reset_jobs`) does the rest.
"""

from __future__ import annotations

import json
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import people, recovery, tokens
from sidegate.accounts.account_lock import locked
from sidegate.accounts.context import Context, Origin, note
from sidegate.accounts.errors import NotAvailable
from sidegate.accounts.notices import send_reset_link
from sidegate.accounts.password_reset_rows import consume
from sidegate.accounts.queue import add_job
from sidegate.accounts.recovery_address import masked
from sidegate.decisions.throttle import HOUR, network_of, tells_who_asks
from sidegate.events.catalogue import Kind
from sidegate.storage import jobs
from sidegate.storage.models import Account
from sidegate.storage.recovery_models import PasswordReset

JOB = "password-reset"
"""The kind of job that answers somebody who has forgotten her password."""
LIFETIME = 30 * 60_000
"""Milliseconds for which a link sets a password."""
MOST_FROM_A_NETWORK = 20
"""Links that may be asked for from one network within 60 minutes."""

_ASKED_FOR = HOUR
_LONGEST_LOGIN = 320
_PURPOSE = b"password-reset"


def available(ctx: Context) -> bool:
    """Whether this installation can do it: its own passwords, and a way to send mail."""
    return ctx.config.has_own_passwords and ctx.config.sends_mail


def ask(ctx: Context, *, login: str, origin: Origin) -> bool:
    """Ask for a link, the same work for every login; False after too many from its network."""
    network = network_of(origin.address)
    subject = f"reset:{network}"
    if tells_who_asks(network):
        asked = jobs.added_since(subject=subject, since=ctx.now() - HOUR)
        if asked >= MOST_FROM_A_NETWORK:
            return False
    asked_for = {
        "login": login[:_LONGEST_LOGIN],
        "address": origin.address,
        "program": origin.program,
    }
    with transaction.atomic():
        add_job(
            ctx,
            kind=JOB,
            account_id=None,
            payload=json.dumps(asked_for).encode(),
            expires_at=ctx.now() + _ASKED_FOR,
            subject=subject,
        )
    return True


def answer(ctx: Context, *, payload: bytes) -> None:
    """Send the link that was asked for, where there is an account with a recovery address."""
    asked = json.loads(payload)
    account = people.find(asked["login"])
    if account is None:
        return
    origin = Origin(by="owner", address=asked["address"], program=asked["program"])
    with transaction.atomic():
        reachable = Account.objects.filter(enabled=True).exclude(recovery_address="")
        current = reachable.select_for_update(no_key=True).filter(pk=account.pk).first()
        if current is not None:
            _send(ctx, current, origin=origin)


def _send(ctx: Context, account: Account, *, origin: Origin) -> None:
    token = tokens.new(ctx)
    expires_at = ctx.now() + LIFETIME
    if not send_reset_link(
        ctx,
        account=account,
        origin=origin,
        link=ctx.config.server.url + reverse("reset-link", args=[token]),
        expires_at=expires_at,
    ):
        return
    PasswordReset.objects.create(
        account=account,
        digest=tokens.digest(ctx, purpose=_PURPOSE, token=token),
        password_version=account.password_version,
        expires_at=expires_at,
    )
    kind, name = Kind.PASSWORD_RESET_ASKED, masked(account.recovery_address)
    note(ctx, kind=kind, account_id=account.pk, origin=origin, name=name)


def find(ctx: Context, *, token: str) -> Account | None:
    """The account whose password a link sets, while it does."""
    row = _usable(ctx, token).select_related("account").first()
    return row.account if row else None


def use(ctx: Context, *, token: str) -> PasswordReset | None:
    """Use a link up (rule 8): its browser may set a password for its account now."""
    with transaction.atomic():
        row = _usable(ctx, token).select_related("account").first()
        if row is None:
            return None
        unused = PasswordReset.objects.filter(pk=row.pk, used_at=None)
        return row if unused.update(used_at=ctx.now()) else None


class Proof(NamedTuple):
    """What a browser has shown before it sets a password."""

    reset_id: int
    """The link that it used."""
    second_step_at: int | None
    """When it gave a second step since, if it did."""
    recovery_token: str | None
    """Of its cookie, empty for none, where a ripe recovery stands in the second step's place."""


def set_password(
    ctx: Context,
    *,
    account: Account,
    proof: Proof,
    password: str,
    keep_app_passwords: bool,
    origin: Origin,
) -> None:
    """Set a new password after a link was used, which is consumed.

    A recovery that stands for the second step turns 2-step off in the same transaction. Raises
    `WeakPassword`, `NotAvailable`, `Unavailable`.
    """
    hashed = people.hash_new(ctx, password=password, address=account.address, name=account.name)
    with transaction.atomic():
        current = locked(account)
        _take(ctx, current, proof, origin=origin)
        people.write_password(
            ctx,
            account=current,
            hashed=hashed,
            keep_app_passwords=keep_app_passwords,
            origin=origin,
        )
    account.refresh_from_db()


def _take(ctx: Context, account: Account, proof: Proof, *, origin: Origin) -> None:
    """Use the proof up, under the account's lock; `NotAvailable` where it does not hold."""
    if not (account.enabled and consume(account=account, reset_id=proof.reset_id)):
        raise NotAvailable(_OVER)
    if proof.recovery_token is not None:
        recovery.finish(
            ctx,
            account=account,
            password_version=account.password_version,
            token=proof.recovery_token,
            by_mail=True,
            origin=origin,
        )
    since, given_at = account.two_step_since, proof.second_step_at
    if since is not None and (given_at is None or given_at < since):
        raise NotAvailable(_OVER)


_OVER = _("This took too long, or something changed meanwhile. Ask for a new link.")


def _usable(ctx: Context, token: str) -> QuerySet[PasswordReset]:
    return PasswordReset.objects.filter(
        digest__in=tokens.digests(ctx, purpose=_PURPOSE, token=token),
        used_at=None,
        expires_at__gt=ctx.now(),
        account__enabled=True,
        account__password_version=F("password_version"),
    )
