"""Tells an owner of an app password that signed in from a network that is new to her account.

New is what is not familiar to the throttle either: no sign-in from its IPv4 /24 or IPv6 /64
came in within 30 days, by whatever credential, and no app password was made there. So nothing
more about her whereabouts is kept than before. An app password that was stolen before its owner
ever used it shows itself at the thief's first sign-in.
"""

from __future__ import annotations

from django.utils import translation

from sidegate.accounts.context import Context, Origin
from sidegate.accounts.notices import tell_of_change
from sidegate.events.catalogue import Kind, NewEvent
from sidegate.storage.models import AppPassword
from sidegate.storage.writer import write_event


class NewNetworks:
    """Implements `storage.stamps.Arrived`, on the writer's thread."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def __call__(self, event: NewEvent) -> None:
        """Record one such sign-in, and tell of it."""
        if event.app_password_id is None:
            return
        rows = AppPassword.objects.select_related("account")
        row = rows.filter(pk=event.app_password_id).first()
        if row is None:
            return
        kind = Kind.MAIL_NEW_NETWORK
        write_event(event._replace(kind=kind))
        with translation.override(self._ctx.config.policy.refusal_language):
            tell_of_change(
                self._ctx,
                account=row.account,
                kind=kind,
                origin=Origin(by="owner", address=event.address, program=event.program),
                app=row.app,
                device=row.device,
                label=row.label or row.made_for,
                protocol=event.protocol,
            )
