"""Second steps as the pages show them: icons, rows, and the ways to add one."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, ngettext

from sidegate.accounts import second_steps
from sidegate.accounts.phone_numbers import for_people, on_one_line
from sidegate.accounts.second_steps import SecondStep, StepKind
from sidegate.portal.forms import CHANNELS

ICONS: dict[str, str] = {
    StepKind.PASSKEY: "finger-print",
    StepKind.AUTHENTICATOR: "qr-code",
    StepKind.PHONE: "device-phone-mobile",
    StepKind.BACKUP_CODES: "lifebuoy",
    "sms": "chat-bubble-left-ellipsis",
    "voice": "phone",
}


class Row(NamedTuple):
    """A second step, as its row shows it."""

    step: SecondStep
    icon: str
    label: str
    what: str

    @property
    def path(self) -> str:
        """Its page."""
        if self.step.kind is StepKind.BACKUP_CODES:
            return reverse("backup-codes")
        return reverse("second-step", args=[self.step.key])


class Addable(NamedTuple):
    """A kind of second step that can be added, or 2-step turned on with."""

    kind: StepKind
    page: str
    """The name of its URL."""
    why: Promise

    @property
    def icon(self) -> str:
        """The icon of its row."""
        return ICONS[self.kind]

    @property
    def label(self) -> Promise:
        """What it is called."""
        return second_steps.WORDS[self.kind]


ADDABLE: list[Addable] = [
    Addable(
        StepKind.PASSKEY,
        "passkey-add",
        gettext_lazy("Recommended: your finger, your face or a PIN. No code to type"),
    ),
    Addable(
        StepKind.AUTHENTICATOR,
        "two-step-app",
        gettext_lazy("Codes from an app on your phone, without any network"),
    ),
]
"""Beside phones, whose page comes first when 2-step is turned on; the best first."""

_BACKUP_CODES = Addable(
    StepKind.BACKUP_CODES,
    "backup-codes",
    gettext_lazy("Ten codes on paper, for when your phone is lost"),
)


def to_add(steps: list[SecondStep]) -> list[Addable]:
    """What an account with these steps can add, beside phones."""
    has_codes = any(step.kind is StepKind.BACKUP_CODES for step in steps)
    return ADDABLE if has_codes else [*ADDABLE, _BACKUP_CODES]


PHONE = Addable(
    StepKind.PHONE,
    "phone-new",
    gettext_lazy("Codes by text message or phone call; the weakest second step"),
)
"""Offered last, and only once 2-step is on: before that its page comes first."""


def row(step: SecondStep) -> Row:
    """The row of a second step."""
    label = step.name or (on_one_line(for_people(step.number)) if step.number else "")
    ways: dict[str, Promise] = {**dict(CHANNELS)}
    what = str(ways.get(step.channel, second_steps.WORDS[step.kind]))
    # An app is named after its kind, until its owner names it: once is enough.
    said = what if label and label != what else left_words(step)
    return Row(step, ICONS[step.kind], label or what, said)


def left_words(step: SecondStep) -> str:
    """How many backup codes are left; empty for what is no backup codes."""
    if step.kind is not StepKind.BACKUP_CODES:
        return ""
    return ngettext("%(count)s is left", "%(count)s are left", step.left) % {"count": step.left}
