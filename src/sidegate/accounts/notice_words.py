"""What a notice says, in its owner's language.

Its programs and addresses are told by whoever tried: they never stand in a header, and
nothing in them becomes a link or a second line.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from sidegate import texts
from sidegate.accounts import people_time, recovery_words, second_steps
from sidegate.accounts.app_passwords import APPS, DEVICES
from sidegate.accounts.notices import Notice
from sidegate.events.catalogue import Kind

_MOST_OF_A_PROGRAM = 60
# Letters of any script, digits, and little else: no link, no markup, no other address. A dot
# stands between the digits of a version alone.
_NOT_PLAIN = re.compile(r"[^\w ().+-]|_|(?<!\d)\.|\.(?!\d)")

_PROTOCOLS = {"imap": "IMAP", "pop3": "POP3", "submission": "SMTP", "sieve": "ManageSieve"}
_TITLES: dict[str, Promise] = {
    Kind.TWO_STEP_ON: gettext_lazy("2-Step Verification was turned on"),
    Kind.TWO_STEP_OFF: gettext_lazy("2-Step Verification was turned off"),
    Kind.PASSKEY_COPIED: gettext_lazy("A passkey was refused: there may be a copy of it"),
    Kind.SECOND_STEP_ADDED: gettext_lazy("A second step was added"),
    Kind.SECOND_STEP_REMOVED: gettext_lazy("A second step was removed"),
    Kind.BACKUP_CODES_MADE: gettext_lazy("Backup codes were made"),
    Kind.BACKUP_CODE_USED: gettext_lazy("A backup code was used"),
    Kind.PHONE_CHANGED: gettext_lazy("The number of a phone was changed"),
    Kind.APP_PASSWORD_CHANGED: gettext_lazy("An app password may do more than before"),
    Kind.APP_PASSWORD_MADE: gettext_lazy("An app password was made"),
    Kind.MAIL_NEW_NETWORK: gettext_lazy("An app password was used from a new network"),
    Kind.WEB_SIGNED_IN: gettext_lazy("Sign-in from a new browser"),
    Kind.PASSWORD_CHANGED: gettext_lazy("The account password was changed"),
    Kind.PERSONAL_CHANGED: gettext_lazy("The language of your pages and messages was changed"),
    Kind.DATA_DOWNLOADED: gettext_lazy("Your data was downloaded"),
    Kind.RECOVERY_ADDRESS_SET: gettext_lazy("The recovery address was set"),
    Kind.RECOVERY_ADDRESS_REMOVED: gettext_lazy("The recovery address was removed"),
    Kind.RECOVERY_ADDRESS_ASKED: gettext_lazy("Your code for the recovery address"),
    **recovery_words.TITLES,
    Kind.CODES_STOPPED: gettext_lazy("Codes by phone were stopped"),
    Kind.MAIL_PASSWORD_RIGHT: gettext_lazy("A mail program needs an app password"),
}


_OPENINGS: dict[str, Promise] = {
    Kind.WEB_SIGNED_IN: gettext_lazy(
        "Somebody signed in to your account pages from a browser that was not used for them "
        "before, or that forgot it."
    ),
    Kind.MAIL_NEW_NETWORK: gettext_lazy(
        "A mail program signed in with one of your app passwords, from a network that your "
        "account was not used from within 30 days."
    ),
}
"""In place of the title, where that is not a sentence or does not say enough."""


class Words(NamedTuple):
    """A message, as far as it is words."""

    subject: str
    body: str


def words(notice: Notice, *, service: str, url: str) -> Words:
    """The subject and the text."""
    with translation.override(notice.language):
        title = str(_TITLES[notice.kind])
        if notice.code:
            return Words(title, _with_code(notice, service=service, url=url))
        parts = [*_opening(notice, title), "\n".join(_facts(notice)), *_ending(notice)]
        foot = f"-- \n{service}\n{url}"
        return Words(title, "\n\n".join([*parts, foot]) + "\n")


def _opening(notice: Notice, title: str) -> list[str]:
    if (said := recovery_words.opening(notice)) is not None:
        return said
    if notice.kind == Kind.MAIL_PASSWORD_RIGHT:
        return [
            _(
                "A mail program signed in with your account password. The password is right, but "
                "it was refused: 2-Step Verification is on, and each mail program needs an app "
                "password of its own."
            )
        ]
    if notice.kind == Kind.CODES_STOPPED:
        return [
            _(
                "A limit of codes was reached, or codes to numbers that begin alike are hardly "
                "ever used. Somebody may be asking for codes to make money. Nobody whom it "
                "concerns gets a code by phone until fewer were sent within 24 hours."
            )
        ]
    again = _("This is the second message about it, in case somebody deleted the first.")
    opening = str(_OPENINGS.get(notice.kind, f"{title}."))
    return [opening, again] if notice.again else [opening]


def _with_code(notice: Notice, *, service: str, url: str) -> str:
    parts = [
        _(
            "Somebody wants to make this mailbox the recovery address of %(account)s. If it is "
            "you, type this code on the page that asks for it:"
        )
        % {"account": notice.account},
        notice.code,
        _("It is good for 30 minutes. If it was not you, there is nothing to do."),
        f"-- \n{service}\n{url}",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(notice: Notice) -> list[str]:
    at = people_time.moment_there(notice.at, zone=notice.time_zone)
    program = plain(notice.program)
    protocol = _PROTOCOLS.get(notice.protocol, "")
    facts = [
        (_("Account"), notice.account or notice.to),
        (_("App password"), _app_password(notice)),
        (_("Second step"), str(second_steps.WORDS.get(notice.step, ""))),
        (_("Phone number"), notice.number),
        (_("Limit"), notice.what),
        (_("When"), people_time.written_words(at)),
        (_("Program"), f"{program} ({protocol})" if program and protocol else program or protocol),
        (_("Address"), _address(notice.address)),
        (
            pgettext("who did it", "By"),
            _("whoever runs the mail server") if notice.by == "operator" else "",
        ),
    ]
    keep = texts.isolated if translation.get_language_bidi() else str
    return [f"{name}: {keep(value)}" for name, value in facts if value]


def _app_password(notice: Notice) -> str:
    usual = f"{APPS[notice.app]} · {DEVICES[notice.device]}" if notice.app else ""
    return plain(notice.label) or usual


def _ending(notice: Notice) -> list[str]:
    if (said := recovery_words.ending(notice)) is not None:
        return said
    if notice.kind == Kind.MAIL_PASSWORD_RIGHT:
        return [
            _("Make an app password for it, and put it in place of the old password:")
            + f"\n{notice.link}",
            _("Is it not yours? Then somebody knows your password: change it."),
        ]
    if notice.kind == Kind.CODES_STOPPED:
        return [
            _(
                "On the server, sidegate check says what is stopped, and sidegate events who "
                "asked for codes. Raise a limit only where it was a busy day."
            )
        ]
    return [
        _nothing_to_do(notice),
        _(
            "If it was not you, lock your account with this link. That undoes what was changed "
            "from then on, and nothing opens your account, neither mail programs nor browsers, "
            "until whoever runs the mail server lets you in again:"
        )
        + f"\n{notice.link}",
    ]


def _nothing_to_do(notice: Notice) -> str:
    if notice.kind == Kind.PASSKEY_COPIED:
        return _("If it was you, remove this passkey from your second steps and add it anew.")
    if notice.kind == Kind.MAIL_NEW_NETWORK:
        return _(
            "If it was you, there is nothing to do. If it was not you, revoke this app password "
            "under Security, App passwords: until then whoever has it reads and sends your mail."
        )
    return _("If it was you, there is nothing to do.")


def plain(program: str) -> str:
    """A program's own words without anything that a mail reader could make a link of."""
    return " ".join(_NOT_PLAIN.sub(" ", program).split())[:_MOST_OF_A_PROGRAM].strip()


def _address(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""
