"""What enforcing would do, in an operator's language."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from sidegate.accounts.observe_report import Row
from sidegate.config.options import Policy
from sidegate.decisions.observing import Outcome

SHOWN: tuple[tuple[str, Promise], ...] = (
    (Outcome.REFUSED.value, gettext_lazy("Would be refused")),
    (Outcome.MECHANISM_GONE.value, gettext_lazy("Has to change its mechanism")),
    (Outcome.GRACE.value, gettext_lazy("Goes on for now, with the account password")),
    (Outcome.TWO_STEP_OFF.value, gettext_lazy("Goes on: 2-Step Verification is off")),
    (Outcome.APP_PASSWORD.value, gettext_lazy("Goes on: has an app password")),
)
"""The filters, by outcome."""


def outcome_words(row: Row) -> str:
    """What becomes of a program."""
    match row.outcome:
        case Outcome.REFUSED:
            return _("Would be refused: it has the account password")
        case Outcome.MECHANISM_GONE:
            text = _("Has to change: %(mechanism)s is no longer offered")
            return text % {"mechanism": row.mechanism}
        case Outcome.GRACE:
            return _("Goes on for now, with the account password")
        case Outcome.TWO_STEP_OFF:
            return _("Goes on: 2-Step Verification is off")
        case Outcome.APP_PASSWORD:
            return _("Goes on: it has an app password")


def mode_words(policy: Policy) -> str:
    """What this installation does now."""
    if policy.mode == "observe":
        return _(
            "Sidegate only watches. No mail program is refused because of 2-Step Verification."
        )
    if count := len(policy.enforce_for):
        text = ngettext(
            "2-Step Verification applies to mail programs of %(count)s address or domain.",
            "2-Step Verification applies to mail programs of %(count)s addresses and domains.",
            count,
        )
        return text % {"count": count}
    return _("2-Step Verification applies to every mail program.")
