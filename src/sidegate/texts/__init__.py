"""Translated words for what has no Django: refusals, messages, spoken codes.

The catalogue is the one that the pages use. A language that has none speaks English.
"""

from __future__ import annotations

import gettext as _gettext
from functools import cache
from importlib import resources

_DOMAIN = "django"


@cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    folder = resources.files("sidegate") / "locale"
    return _gettext.translation(
        _DOMAIN, localedir=str(folder), languages=[language.replace("-", "_")], fallback=True
    )


def refusal(language: str, link: str) -> str:
    """What a refused mail program is told: the same, whatever the reason."""
    _ = _catalogue(language).gettext
    return _("Sign-in refused. If 2-Step Verification is on, use an app password: %(link)s") % {
        "link": link
    }


def app_passwords_page(language: str) -> str:
    """What the page of app passwords is, for a mail program to show beside its address."""
    _ = _catalogue(language).gettext
    return _("How to make an app password for a mail program")


def disabled(language: str, name: str) -> str:
    """What the program of a disabled account is told, behind a right secret alone."""
    _ = _catalogue(language).gettext
    return _("This %(name)s account is disabled. Ask whoever runs the mail server.") % {
        "name": name
    }


def cannot_tell(language: str) -> str:
    """What a program is told while nobody can say whether its login may come in."""
    _ = _catalogue(language).gettext
    return _("Signing in is not possible just now. Try again later.")


def code_message(language: str, *, name: str, code: str, host: str) -> str:
    """A code as a text message; its last line lets browsers fill it in on `host` alone."""
    _ = _catalogue(language).gettext
    text = _("%(code)s is your %(name)s code.") % {"code": code, "name": name}
    return f"{text}\n\n@{host} #{code}"


def spoken_code(language: str, *, name: str, code: str) -> str:
    """A code as a phone call says it: digit by digit, twice."""
    _ = _catalogue(language).gettext
    return _("Your %(name)s code is: %(digits)s. Once more: %(digits)s.") % {
        "name": name,
        "digits": spoken_digits(code),
    }


def spoken_digits(code: str) -> str:
    """The digits as they stand in a spoken code."""
    return ", ".join(code)


def hear_again(language: str) -> str:
    """The last that a call says; "1" is a key of the phone."""
    _ = _catalogue(language).gettext
    return _("To hear it again, press 1.")


def phones_changed(language: str, *, name: str) -> str:
    """What a phone is told when the phones of its account change."""
    _ = _catalogue(language).gettext
    return _(
        "%(name)s: the phones that your codes go to were changed. "
        "Was it not you? Read the message in your mail."
    ) % {"name": name}


def two_step_turned_off(language: str, *, name: str, link: str) -> str:
    """What a phone is told when 2-Step Verification is turned off."""
    _ = _catalogue(language).gettext
    return _(
        "%(name)s: 2-Step Verification was turned off. Not you? Lock your account: %(link)s"
    ) % {"name": name, "link": link}


def password_changed(language: str, *, name: str, link: str) -> str:
    """What a phone is told when the account password is changed."""
    _ = _catalogue(language).gettext
    return _("%(name)s: the account password was changed. Not you? Lock your account: %(link)s") % {
        "name": name,
        "link": link,
    }


def ways_in_changed(language: str, *, name: str, link: str) -> str:
    """What a phone is told when what lets people in is another than before; see `phone_notices`."""
    _ = _catalogue(language).gettext
    return _(
        "%(name)s: the ways into your account were changed. Not you? Lock your account: %(link)s"
    ) % {"name": name, "link": link}


def recovery_began(language: str, *, name: str, link: str) -> str:
    """What the phones of an account are told when a recovery begins; short, for one SMS."""
    _ = _catalogue(language).gettext
    return _(
        "%(name)s: in 48 hours 2-Step Verification can be turned off. Not you? Stop it: %(link)s"
    ) % {"name": name, "link": link}


def isolated(value: str) -> str:
    """A value that keeps its own direction between words of another (Unicode's UAX 9, FSI)."""
    return f"\u2068{value}\u2069"
