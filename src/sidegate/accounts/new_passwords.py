"""What may become an account password."""

from __future__ import annotations

from functools import cache

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sidegate.accounts.context import Context
from sidegate.accounts.errors import WeakPassword
from sidegate.decisions.ports import Unavailable
from sidegate.factors import context_words
from sidegate.factors.account_password import MAX_LENGTH, MIN_LENGTH, length
from sidegate.factors.known_passwords import digest_of
from sidegate.storage import breached


def check(ctx: Context, *, password: str, address: str, name: str) -> None:
    """Raise `WeakPassword` for what is too short, too long, about the account, or known.

    `address` and `name` are the account's. Nothing else is asked of a password: no kinds
    of characters, no score (NIST SP 800-63B-4, 3.1.1.2). Raises `Unavailable` where there
    is a list of breached passwords that cannot be asked.
    """
    if length(password) < MIN_LENGTH:
        raise WeakPassword(_("Use at least %(count)s characters.") % {"count": MIN_LENGTH})
    if length(password) > MAX_LENGTH:
        raise WeakPassword(_("Use at most %(count)s characters.") % {"count": MAX_LENGTH})
    if context_words.is_one_of(password, words(ctx, address=address, name=name)):
        text = _(
            "This is little more than your name, your address or the name of this service. "
            "Choose another."
        )
        raise WeakPassword(text)
    if _is_common(password):
        text = _("This password is on every list that thieves try first. Choose another.")
        raise WeakPassword(text)
    if _is_breached(ctx, password):
        text = _("This password was stolen somewhere before, and thieves try it. Choose another.")
        raise WeakPassword(text)


def words(ctx: Context, *, address: str, name: str) -> list[str]:
    """The words that are known of an account."""
    config = ctx.config
    return context_words.words_of(
        address=address, name=name, service=config.server.name, host=config.portal_host
    )


@cache
def _common() -> CommonPasswordValidator:
    return CommonPasswordValidator()


def _is_common(password: str) -> bool:
    try:
        _common().validate(password)
    except ValidationError:
        return True
    return False


def _is_breached(ctx: Context, password: str) -> bool:
    try:
        return breached.holds(ctx.config.data / breached.FILE, digest_of(password))
    except (breached.BreachedListProblem, OSError) as problem:
        raise Unavailable(f"no new password can be checked: {problem}") from problem
