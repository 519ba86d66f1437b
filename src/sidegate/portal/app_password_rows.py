"""An app password in words, for the list and for its own page."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sidegate.accounts import app_passwords
from sidegate.accounts.app_password_choices import scopes_in_words, scopes_written
from sidegate.accounts.app_passwords import State
from sidegate.decisions.words import MAIL_SCOPES
from sidegate.pages.context import context
from sidegate.portal.activity_words import protocol_name
from sidegate.storage.models import AppPassword

_STATES: dict[State, Promise] = {
    State.PAUSED: gettext_lazy("Paused"),
    State.EXPIRED: gettext_lazy("Expired"),
}
_EVERYTHING = scopes_written(frozenset(MAIL_SCOPES))


def row_of(row: AppPassword) -> dict[str, object]:
    """What the templates show of it."""
    state = _STATES.get(app_passwords.state(row, now=context().now()))
    facts = scopes_in_words(row.scopes) if row.scopes != _EVERYTHING else []
    if row.networks:
        facts.append(_("Only from %(networks)s") % {"networks": row.networks})
    if row.sender:
        facts.append(_("As %(address)s") % {"address": row.sender})
    if row.daily_most is not None:
        facts.append(_("At most %(count)s a day") % {"count": row.daily_most})
    return {
        "row": row,
        "name": app_passwords.name(row),
        "protocol": protocol_name(row.last_used_protocol),
        "state": state,
        "facts": facts,
        "last_moment": row.expires_at and row.expires_at - 1,
    }
