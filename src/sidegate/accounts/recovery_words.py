"""What messages about ways back into an account say."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sidegate.accounts import people_time
from sidegate.accounts.notices import Notice
from sidegate.events.catalogue import Kind

RIPE = "recovery-ripe"
"""The kind of the message that a recovery can be finished now; no event tells of it."""

TITLES: dict[str, Promise] = {
    Kind.PASSWORD_RESET_ASKED: gettext_lazy("Set a new password"),
    Kind.RECOVERY_BEGAN: gettext_lazy("A recovery of your account was started"),
    RIPE: gettext_lazy("The recovery of your account can be finished now"),
    Kind.RECOVERY_STOPPED: gettext_lazy("The recovery of your account was stopped"),
    Kind.RECOVERY_FINISHED: gettext_lazy("The recovery of your account was finished"),
}


def opening(notice: Notice) -> list[str] | None:
    """How such a message begins; `None` where it is about something else."""
    if notice.kind == Kind.PASSWORD_RESET_ASKED:
        return [_("Somebody asked for a new password for the account below.")]
    if notice.kind == Kind.RECOVERY_BEGAN:
        began = _(
            "A recovery of your account was started, by somebody who gave its password or used "
            "a link sent to its recovery address, and has no second step at hand. In 48 hours, "
            "from %(time)s on, 2-Step Verification can be turned off without one."
        ) % {"time": _moment(notice, notice.ripe_at)}
        again = _("This is the second message about it, in case somebody deleted the first.")
        return [began, again] if notice.again else [began]
    if notice.kind == RIPE:
        return [
            _(
                "The 48 hours are over. Until %(time)s, whoever started the recovery can turn "
                "2-Step Verification off."
            )
            % {"time": _moment(notice, notice.until)}
        ]
    return None


def ending(notice: Notice) -> list[str] | None:
    """How it ends: what to do now."""
    if notice.kind == Kind.PASSWORD_RESET_ASKED:
        return [
            _("If it was you, set it with this link. It works once, within 30 minutes:")
            + f"\n{notice.link}",
            _("If it was not you, there is nothing to do: nothing was changed."),
        ]
    if notice.kind not in (Kind.RECOVERY_BEGAN, RIPE):
        return None
    mine = _("If it was you, come back to the same browser after that time, and sign in.")
    if notice.kind == RIPE:
        mine = _("If it was you, sign in now, in the same browser.")
    return [
        mine,
        _(
            "If it was not you, stop it with this link, then sign in and change your password: "
            "somebody else may know it."
        )
        + f"\n{notice.link}",
    ]


def _moment(notice: Notice, at: int) -> str:
    return people_time.written_words(people_time.moment_there(at, zone=notice.time_zone))
