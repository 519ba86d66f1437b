"""What people choose for an app password, checked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import app_passwords
from sidegate.accounts.app_password_choices import (
    PRINTER,
    PROFILES,
    BadChoice,
    Choices,
    checked,
    end_of,
    holds_senders,
    name_in,
    networks_in,
)
from sidegate.decisions.networks import stored, written
from sidegate.pages.context import context
from sidegate.storage.models import Account, AppPassword

_MOST_TYPED = 2000
_NO_SUCH_DAY = _("Choose a day, like 2026-05-31.")


class ChoicesForm(forms.Form):
    """The choices that can be changed later, too."""

    # The pages say what is missing themselves, in the person's language.
    use_required_attribute = False

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=_MOST_TYPED,
        widget=forms.TextInput({"dir": "auto"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[
            ("imap", _("Read mail (IMAP)")),
            ("pop3", _("Read mail (POP3)")),
            ("submission", _("Send mail")),
        ],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one. To let it do nothing, pause it.")},
    )
    expires = forms.DateField(
        label=_("Last day"),
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _NO_SUCH_DAY},
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        help_text=_("It opens nothing after this day."),
    )
    networks = forms.CharField(
        label=_("Networks"),
        required=False,
        max_length=_MOST_TYPED,
        help_text=_("It opens your mail only from there. Like 192.0.2.0/24, 2001:db8::/32"),
        widget=forms.TextInput({"autocapitalize": "none", "spellcheck": "false", "dir": "ltr"}),
    )
    sender = forms.CharField(
        label=_("From address"),
        required=False,
        max_length=_MOST_TYPED,
        help_text=_("It sends only as this address of yours."),
        widget=forms.TextInput(
            {
                "inputmode": "email",
                "autocapitalize": "none",
                "spellcheck": "false",
                "dir": "ltr",
            }
        ),
    )
    daily_most = forms.IntegerField(
        label=_("Messages a day"),
        required=False,
        error_messages={"invalid": _("Write a number.")},
        widget=forms.TextInput({"inputmode": "numeric"}),
        help_text=_("A message to three people counts as three."),
    )

    def __init__(self, data: Any, *, account: Account, device: str = "", **more: Any) -> None:  # noqa: ANN401 - Django's own
        super().__init__(data, **more)
        self._account = account
        self._device = device
        if not holds_senders(context()) or device not in ("", PRINTER):
            del self.fields["sender"], self.fields["daily_most"]
        if device in PROFILES:
            del self.fields["scopes"]

    def clean(self) -> dict[str, Any]:
        """Say of each choice what is wrong with it."""
        if self.errors:
            return self.cleaned_data
        try:
            self.label = name_in(self.cleaned_data["name"])
            device = self.cleaned_data.get("device", self._device)
            self.choices = checked(context(), self._choices(), account=self._account, device=device)
        except BadChoice as problem:
            self.add_error(problem.choice, str(problem.text))
        return self.cleaned_data

    def _choices(self) -> Choices:
        typed = self.cleaned_data
        return Choices(
            scopes=frozenset(typed.get("scopes", ())),
            expires_at=end_of(typed["expires"]) if typed["expires"] else None,
            networks=networks_in(typed["networks"]),
            sender=typed.get("sender", ""),
            daily_most=typed.get("daily_most"),
        )


class AppPasswordForm(ChoicesForm):
    """What a new app password is for."""

    app = forms.ChoiceField(
        label=_("Select app"),
        choices=[*app_passwords.APPS.items()],
        error_messages={"required": _("Select the app.")},
    )
    device = forms.ChoiceField(
        label=_("Select device"),
        choices=[("", _("Select…")), *app_passwords.DEVICES.items()],
        error_messages={"required": _("Select the device that the app runs on.")},
    )

    def __init__(self, data: Any, **more: Any) -> None:  # noqa: ANN401 - Django's own
        super().__init__(data, **more)
        scopes = self.fields["scopes"]
        scopes.required = False
        scopes.help_text = _(
            "Tick nothing for the usual: a scanner or printer only sends, a backup program only "
            "reads by IMAP, and everything else reads and sends."
        )

    @property
    def more_is_open(self) -> bool:
        """Whether an error, or what was typed before, stands among what is folded away."""
        filled = {name for name, value in self.initial.items() if value}
        return bool({*self.errors, *filled} - {"app", "device"})


def chosen(row: AppPassword) -> dict[str, Any]:
    """What the form shows of an app password that is there."""
    last = row.expires_at and datetime.fromtimestamp(row.expires_at / 1000 - 1).astimezone()
    return {
        "name": row.label,
        "scopes": row.scopes.split(","),
        "expires": last.date() if last else None,
        "networks": written(stored(row.networks)),
        "sender": row.sender,
        "daily_most": row.daily_most,
    }
