"""The closed catalogue of audit events. An event never holds a secret or a code."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple


class Kind(StrEnum):
    """What happened."""

    MAIL_ALLOWED = "mail-allowed"
    MAIL_REFUSED = "mail-refused"
    MAIL_PASSWORD_RIGHT = "mail-password-right"  # noqa: S105 - a name, not a secret
    MAIL_UNAVAILABLE = "mail-unavailable"
    MAIL_MASTER = "mail-master"
    MAIL_GRACE = "mail-grace"
    """Allowed by the account password with 2-step on, through a grace window."""
    MAIL_NEW_NETWORK = "mail-new-network"
    """An app password that is in use signed in from a network that is new to its account."""
    MAIL_SESSION_ENDED = "mail-session-ended"
    WEB_SIGNED_IN = "web-signed-in"
    WEB_REFUSED = "web-refused"
    WEB_UNAVAILABLE = "web-unavailable"
    WEB_SIGNED_OUT = "web-signed-out"
    WEB_SESSION_ENDED = "web-session-ended"
    """Another browser of the owner was signed out by her, or all others were."""
    WEB_SHUT_OUT = "web-shut-out"
    """All browsers were signed out: the operator's directory has the account no longer."""
    WEB_ALL_ENDED = "web-all-ended"
    """The operator signed all browsers out."""
    CODE_SENT = "code-sent"
    CODE_NOT_SENT = "code-not-sent"
    CODE_WRONG = "code-wrong"
    CODE_THROTTLED = "code-throttled"
    """Too many wrong codes: one more was not looked at. Once a day for an account."""
    CODES_STOPPED = "codes-stopped"
    """A limit that holds for many, or a prefix whose codes are hardly used."""
    PASSKEY_COPIED = "passkey-copied"
    """A passkey's counter went back: there may be a copy of it."""
    TWO_STEP_ON = "two-step-on"
    TWO_STEP_OFF = "two-step-off"
    SECOND_STEP_ADDED = "second-step-added"
    SECOND_STEP_CHANGED = "second-step-changed"
    """Its name, how codes reach a phone, or that they go there first."""
    SECOND_STEP_REMOVED = "second-step-removed"
    PHONE_CHANGED = "phone-changed"
    """Another number in the place of one that codes went to."""
    BACKUP_CODES_MADE = "backup-codes-made"
    BACKUP_CODE_USED = "backup-code-used"
    BROWSER_TRUSTED = "browser-trusted"
    BROWSER_UNTRUSTED = "browser-untrusted"
    APP_PASSWORD_MADE = "app-password-made"  # noqa: S105 - a name, not a secret
    APP_PASSWORD_REVOKED = "app-password-revoked"  # noqa: S105 - a name, not a secret
    APP_PASSWORD_CHANGED = "app-password-changed"  # noqa: S105 - a name, not a secret
    APP_PASSWORD_PAUSED = "app-password-paused"  # noqa: S105 - a name, not a secret
    APP_PASSWORD_RESUMED = "app-password-resumed"  # noqa: S105 - a name, not a secret
    GRACE_GIVEN = "grace-given"
    GRACE_ENDED = "grace-ended"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - a name, not a secret
    ACCOUNT_ADDED = "account-added"
    ACCOUNT_ENABLED = "account-enabled"
    ACCOUNT_DISABLED = "account-disabled"
    ACCOUNT_LOCKED = "account-locked"
    CHANGE_UNDONE = "change-undone"
    """What was changed before the account was locked is as it was."""
    PERSONAL_CHANGED = "personal-changed"
    """Its name, language or time zone."""
    DATA_DOWNLOADED = "data-downloaded"
    """Its owner took what is kept about it."""
    RECOVERY_ADDRESS_ASKED = "recovery-address-asked"
    """A code was sent to what shall become the recovery address."""
    RECOVERY_ADDRESS_SET = "recovery-address-set"
    RECOVERY_ADDRESS_REMOVED = "recovery-address-removed"
    PASSWORD_RESET_ASKED = "password-reset-asked"  # noqa: S105 - a name, not a secret
    """A link that sets a new password was sent to the recovery address."""
    RECOVERY_BEGAN = "recovery-began"
    """Somebody without any second step waits for 2-step to be turned off."""
    RECOVERY_STOPPED = "recovery-stopped"
    RECOVERY_FINISHED = "recovery-finished"
    OPERATOR_ON = "operator-on"
    OPERATOR_OFF = "operator-off"
    OPERATOR_REFUSED = "operator-refused"
    """`/operator` was asked for by an account that is not operator. Once a day for an account."""


DETAILS = frozenset(
    {
        "by",
        "channel",
        "number",
        "count",
        "name",
        "step",
        "app_passwords_kept",
        "days",
        "gateway",
        "prefix",
        "browsers",
        "scopes",
        "browser",
        "undone",
        "lost",
        "more",
    }
)
"""What an event may tell beyond its columns. A number is masked by whoever records it."""

MAX_TEXT = 200
"""Characters of anything that a program says of itself."""


class NewEvent(NamedTuple):
    """An event about to be written. `at` is in milliseconds since the epoch, UTC."""

    at: int
    kind: Kind
    account_id: int | None = None
    address: str = ""
    protocol: str = ""
    program: str = ""
    reason: str = ""
    app_password_id: int | None = None
    detail: tuple[tuple[str, str | int], ...] = ()
    mechanism: str = ""
    """How a mail program gave its secret (SASL): for its sighting, not stored with the event."""


def checked_detail(detail: tuple[tuple[str, str | int], ...]) -> dict[str, str | int]:
    """The detail as a mapping; raises `ValueError` for a name the catalogue lacks."""
    unknown = {name for name, _ in detail} - DETAILS
    if unknown:
        raise ValueError(f"not in the catalogue of event details: {sorted(unknown)}")
    return dict(detail)


@lru_cache(maxsize=4096)
def tidy(text: str) -> str:
    """A program's own words, on one line and bounded, safe to store and show."""
    printable = text[: MAX_TEXT * 2]
    if not printable.isprintable():
        printable = "".join(ch if ch.isprintable() else " " for ch in printable)
    return " ".join(printable.split())[:MAX_TEXT].rstrip()
