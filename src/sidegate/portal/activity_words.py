"""Events as sentences that their owner understands."""

from __future__ import annotations

import json
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from sidegate.accounts import app_passwords, people_time, second_steps
from sidegate.accounts.app_password_choices import scopes_in_words
from sidegate.accounts.code_orders import Fault
from sidegate.accounts.phone_numbers import on_one_line
from sidegate.accounts.undoing import Thing
from sidegate.accounts.web_sign_in import Instead
from sidegate.decisions.words import Reason, Why
from sidegate.events.catalogue import Kind
from sidegate.pages import browsers
from sidegate.storage.models import Event


class Told(NamedTuple):
    """An event, in words."""

    at: int
    icon: str
    tone: str
    """fine, refused, unsure or quiet; the words say the same."""
    title: str
    reason: str
    where: list[str]
    helps: bool
    """Whether making an app password mends it."""


_PROTOCOLS = {
    "imap": "IMAP",
    "pop3": "POP3",
    "submission": "SMTP",
    "sieve": "ManageSieve",
}
_KINDS: dict[str, tuple[Promise, str, str]] = {
    Kind.MAIL_ALLOWED: (gettext_lazy("A mail program signed in"), "envelope", "fine"),
    Kind.MAIL_REFUSED: (gettext_lazy("A mail program was refused"), "no-symbol", "refused"),
    Kind.MAIL_PASSWORD_RIGHT: (
        gettext_lazy("A mail program needs an app password"),
        "envelope",
        "unsure",
    ),
    Kind.MAIL_UNAVAILABLE: (
        gettext_lazy("A mail program was asked to try again later"),
        "exclamation-triangle",
        "unsure",
    ),
    Kind.MAIL_MASTER: (
        gettext_lazy("Whoever runs the mail server opened your mail as a master user"),
        "envelope-open",
        "unsure",
    ),
    Kind.MAIL_GRACE: (
        gettext_lazy("A mail program signed in with the account password, as you allowed"),
        "envelope",
        "unsure",
    ),
    Kind.MAIL_SESSION_ENDED: (
        gettext_lazy("A mail program's open session was ended"),
        "power",
        "quiet",
    ),
    Kind.WEB_SIGNED_IN: (
        gettext_lazy("Signed in to these pages"),
        "arrow-right-end-on-rectangle",
        "fine",
    ),
    Kind.WEB_REFUSED: (
        gettext_lazy("A sign-in to these pages was refused"),
        "no-symbol",
        "refused",
    ),
    Kind.WEB_UNAVAILABLE: (
        gettext_lazy("A sign-in to these pages was asked to try again later"),
        "exclamation-triangle",
        "unsure",
    ),
    Kind.WEB_SIGNED_OUT: (
        gettext_lazy("Signed out of these pages"),
        "arrow-left-start-on-rectangle",
        "quiet",
    ),
    Kind.WEB_SESSION_ENDED: (
        gettext_lazy("A browser was signed out from another one"),
        "power",
        "quiet",
    ),
    Kind.WEB_ALL_ENDED: (gettext_lazy("Every browser was signed out"), "power", "unsure"),
    Kind.WEB_SHUT_OUT: (
        gettext_lazy("Browsers were signed out, as the mail server shuts this account out"),
        "power",
        "unsure",
    ),
    Kind.CODE_SENT: (gettext_lazy("A code was sent"), "device-phone-mobile", "quiet"),
    Kind.CODE_NOT_SENT: (
        gettext_lazy("A code could not be sent"),
        "exclamation-triangle",
        "unsure",
    ),
    Kind.CODE_WRONG: (gettext_lazy("A wrong code was typed"), "no-symbol", "refused"),
    Kind.CODE_THROTTLED: (
        gettext_lazy("Too many wrong codes: no more were looked at for a while"),
        "no-symbol",
        "refused",
    ),
    Kind.CODES_STOPPED: (gettext_lazy("Codes by phone were stopped"), "no-symbol", "refused"),
    Kind.PASSKEY_COPIED: (
        gettext_lazy("A passkey was refused: there may be a copy of it"),
        "finger-print",
        "refused",
    ),
    Kind.TWO_STEP_ON: (
        gettext_lazy("2-Step Verification was turned on"),
        "shield-check",
        "fine",
    ),
    Kind.TWO_STEP_OFF: (
        gettext_lazy("2-Step Verification was turned off"),
        "shield-exclamation",
        "unsure",
    ),
    Kind.SECOND_STEP_ADDED: (gettext_lazy("A second step was added"), "shield-check", "quiet"),
    Kind.SECOND_STEP_CHANGED: (gettext_lazy("A second step was changed"), "shield-check", "quiet"),
    Kind.SECOND_STEP_REMOVED: (
        gettext_lazy("A second step was removed"),
        "shield-exclamation",
        "unsure",
    ),
    Kind.BACKUP_CODES_MADE: (gettext_lazy("Backup codes were made"), "lifebuoy", "quiet"),
    Kind.BACKUP_CODE_USED: (gettext_lazy("A backup code was used"), "lifebuoy", "unsure"),
    Kind.BROWSER_TRUSTED: (
        gettext_lazy("A browser is not asked for a second step for 30 days"),
        "computer-desktop",
        "unsure",
    ),
    Kind.BROWSER_UNTRUSTED: (
        gettext_lazy("A browser is asked for a second step again"),
        "computer-desktop",
        "quiet",
    ),
    Kind.PHONE_CHANGED: (
        gettext_lazy("The number of a phone was changed"),
        "device-phone-mobile",
        "unsure",
    ),
    Kind.MAIL_NEW_NETWORK: (
        gettext_lazy("An app password was used from a new network"),
        "envelope",
        "unsure",
    ),
    Kind.APP_PASSWORD_MADE: (gettext_lazy("An app password was made"), "key", "quiet"),
    Kind.APP_PASSWORD_REVOKED: (
        gettext_lazy("An app password was revoked"),
        "no-symbol",
        "quiet",
    ),
    Kind.APP_PASSWORD_CHANGED: (
        gettext_lazy("An app password was changed"),
        "key",
        "quiet",
    ),
    Kind.APP_PASSWORD_PAUSED: (gettext_lazy("An app password was paused"), "pause", "quiet"),
    Kind.APP_PASSWORD_RESUMED: (
        gettext_lazy("A paused app password opens mail again"),
        "play",
        "quiet",
    ),
    Kind.GRACE_GIVEN: (
        gettext_lazy("A mail program may go on with the account password for now"),
        "clock",
        "unsure",
    ),
    Kind.GRACE_ENDED: (
        gettext_lazy("A mail program may no longer use the account password"),
        "lock-closed",
        "quiet",
    ),
    Kind.PASSWORD_CHANGED: (
        gettext_lazy("The account password was changed"),
        "lock-closed",
        "quiet",
    ),
    Kind.ACCOUNT_ADDED: (gettext_lazy("The account was added"), "user", "quiet"),
    Kind.ACCOUNT_ENABLED: (gettext_lazy("The account was enabled"), "user", "quiet"),
    Kind.ACCOUNT_LOCKED: (
        gettext_lazy("The account was locked by the link of a message"),
        "lock-closed",
        "refused",
    ),
    Kind.CHANGE_UNDONE: (
        gettext_lazy("A change was undone, as the account was locked"),
        "arrow-uturn-left",
        "unsure",
    ),
    Kind.ACCOUNT_DISABLED: (gettext_lazy("The account was disabled"), "user-minus", "refused"),
    Kind.PERSONAL_CHANGED: (gettext_lazy("Personal info was changed"), "identification", "quiet"),
    Kind.DATA_DOWNLOADED: (gettext_lazy("Your data was downloaded"), "arrow-down-tray", "unsure"),
    Kind.RECOVERY_ADDRESS_ASKED: (
        gettext_lazy("A code was sent to a new recovery address"),
        "envelope",
        "quiet",
    ),
    Kind.RECOVERY_ADDRESS_SET: (
        gettext_lazy("The recovery address was set"),
        "lifebuoy",
        "fine",
    ),
    Kind.RECOVERY_ADDRESS_REMOVED: (
        gettext_lazy("The recovery address was removed"),
        "lifebuoy",
        "unsure",
    ),
    Kind.PASSWORD_RESET_ASKED: (
        gettext_lazy("A link that sets a new password was sent to the recovery address"),
        "key",
        "unsure",
    ),
    Kind.RECOVERY_BEGAN: (
        gettext_lazy("A recovery of your account was started"),
        "lifebuoy",
        "refused",
    ),
    Kind.RECOVERY_STOPPED: (
        gettext_lazy("The recovery of your account was stopped"),
        "no-symbol",
        "quiet",
    ),
    Kind.RECOVERY_FINISHED: (
        gettext_lazy("The recovery of your account was finished"),
        "lifebuoy",
        "unsure",
    ),
    Kind.OPERATOR_ON: (gettext_lazy("The account was made operator"), "user-plus", "unsure"),
    Kind.OPERATOR_OFF: (
        gettext_lazy("The account is no longer operator"),
        "user-minus",
        "quiet",
    ),
    Kind.OPERATOR_REFUSED: (
        gettext_lazy("The operator's page was asked for, and is not open to this account"),
        "no-symbol",
        "refused",
    ),
}
_REASONS: dict[str, Promise] = {
    Reason.UNKNOWN_ACCOUNT: gettext_lazy("there is no such account"),
    Reason.WRONG_PASSWORD: gettext_lazy("wrong password"),
    Reason.NOT_AN_APP_PASSWORD: gettext_lazy("not an app password; 2-Step Verification is on"),
    Reason.ACCOUNT_PASSWORD_RIGHT: gettext_lazy(
        "it was refused, and its account password was right"
    ),
    Reason.APP_PASSWORD_REVOKED: gettext_lazy("this app password was revoked"),
    Reason.APP_PASSWORD_EXPIRED: gettext_lazy("this app password has expired"),
    Reason.APP_PASSWORD_PAUSED: gettext_lazy("this app password is paused"),
    Reason.APP_PASSWORDS_OFF: gettext_lazy(
        "an app password, but 2-Step Verification is off, and app passwords with it"
    ),
    Reason.OUT_OF_SCOPE: gettext_lazy("this app password is not for this protocol"),
    Reason.WRONG_NETWORK: gettext_lazy("this app password is not for the network it came from"),
    Reason.ACCOUNT_DISABLED: gettext_lazy("the account is disabled"),
    Reason.SHUT_OUT: gettext_lazy("the account is disabled"),
    Reason.GONE_FROM_DIRECTORY: gettext_lazy("the mail server no longer knows the account"),
    Reason.PASSWORD_EXPIRED: gettext_lazy("the account password has expired"),
    Reason.WRONG_PASSKEY: gettext_lazy("not a passkey of this account, or not for this page"),
    Reason.PASSKEY_COPIED: gettext_lazy("the passkey's counter went back"),
    Reason.NOT_A_MASTER: gettext_lazy("it asked for somebody else's mail"),
    Reason.NOT_MINE: gettext_lazy("the account belongs to another server"),
    Reason.BAD_REQUEST: gettext_lazy("the request could not be understood"),
    Why.THROTTLED: gettext_lazy("too many wrong passwords from there; nothing was checked"),
    Why.BUSY: gettext_lazy("too much to do at that moment; nothing was checked"),
    Why.OUTAGE: gettext_lazy("something was out of order; nothing was checked"),
    Fault.NOT_SURE: gettext_lazy("the gateway did not say whether it went out"),
    Fault.NOT_REACHABLE: gettext_lazy("the number cannot be reached"),
    Fault.TOO_LATE: gettext_lazy("no gateway took it in time"),
    Fault.NOT_DELIVERED: gettext_lazy("it did not arrive"),
}


_STEPS: dict[str, Promise] = {
    **second_steps.WORDS,
    Instead.PASSKEY_ALONE: gettext_lazy("a passkey in place of the password"),
    Instead.TRUSTED_BROWSER: gettext_lazy("a browser that is not asked for a second step"),
}
_HELPED = frozenset(
    {
        Reason.NOT_AN_APP_PASSWORD,
        Reason.ACCOUNT_PASSWORD_RIGHT,
        Reason.APP_PASSWORD_REVOKED,
    }
)


def told(event: Event) -> Told:
    """The event in words."""
    if (tried := _still_trying(event)) is not None:
        return tried
    title, icon, tone = _KINDS[event.kind]
    detail = json.loads(event.detail)
    reason = _REASONS.get(event.reason)
    return Told(
        at=event.at,
        icon=icon,
        tone=tone,
        title=str(title),
        reason=str(reason or event.reason),
        where=[part for part in (*_facts(event, detail), *_place(event, detail)) if part],
        helps=event.reason in _HELPED,
    )


def _still_trying(event: Event) -> Told | None:
    """A device that was given up and does not know it yet: nobody's attack."""
    row = event.app_password
    if event.reason != Reason.APP_PASSWORD_REVOKED or row is None or row.revoked_at is None:
        return None
    words = _("%(name)s, revoked on %(day)s, is still trying")
    day = people_time.date_words(people_time.moment(row.revoked_at))
    return Told(
        at=event.at,
        icon="clock",
        tone="quiet",
        title=words % {"name": app_passwords.name(row), "day": day},
        reason="",
        where=[part for part in _place(event, {}) if part],
        helps=True,
    )


def protocol_name(protocol: str) -> str:
    """What people call a protocol."""
    return _PROTOCOLS.get(protocol, "")


def _facts(event: Event, detail: dict[str, str]) -> list[str]:
    facts = [app_passwords.name(event.app_password)] if event.app_password is not None else []
    facts += _locking(detail)
    if step := _STEPS.get(detail.get("step", "")):
        facts.append(str(step))
    if detail.get("name") and detail["name"] not in facts:
        facts.append(browsers.in_words(detail["name"]))
    if detail.get("browser") == "new":
        facts.append(_("a new browser"))
    if detail.get("scopes"):
        facts += scopes_in_words(detail["scopes"])
    facts += _counted(detail)
    if "channel" in detail:
        words = _("by phone call") if detail["channel"] == "voice" else _("by text message")
        facts.append(words)
    if "number" in detail:
        facts.append(_("to %(number)s") % {"number": on_one_line(detail["number"])})
    if detail.get("app_passwords_kept") == "yes":
        facts.append(_("app passwords kept"))
    return facts


def _locking(detail: dict[str, str]) -> list[str]:
    """Which change was undone, and what could not be."""
    undone = [str(_KINDS[detail["undone"]][0])] if "undone" in detail else []
    lost = [word for word in detail.get("lost", "").split(",") if word]
    off = [str(_KINDS[Kind.TWO_STEP_OFF][0])] if Thing.TWO_STEP in lost else []
    steps = [str(_STEPS[word]) for word in lost if word in second_steps.WORDS]
    removed = [str(_KINDS[Kind.SECOND_STEP_REMOVED][0]), *steps] if steps else []
    return [*undone, *off, *removed]


def _counted(detail: dict[str, str]) -> list[str]:
    """What an event has numbers of."""
    told = []
    if count := int(detail.get("browsers", 0)):
        words = ngettext("%(count)s browser", "%(count)s browsers", count)
        told.append(words % {"count": count})
    if days := int(detail.get("days", 0)):
        told.append(ngettext("for %(count)s day", "for %(count)s days", days) % {"count": days})
    if count := int(detail.get("count", 0)):
        words = ngettext(
            "%(count)s app password revoked with it",
            "%(count)s app passwords revoked with it",
            count,
        )
        told.append(words % {"count": count})
    return told


def _place(event: Event, detail: dict[str, str]) -> list[str]:
    operator = _("by whoever runs the mail server") if detail.get("by") == "operator" else ""
    program = browsers.in_words(event.program)
    return [operator, protocol_name(event.protocol), program, event.address]
