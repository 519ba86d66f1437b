"""What an owner narrows her activity to."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import app_passwords, people_time
from sidegate.accounts.activity import Wanted
from sidegate.storage.models import Account, AppPassword

_SHOWN = (
    ("", _("Everything")),
    ("refused", _("What was refused")),
    ("mail", _("Mail programs")),
    ("pages", _("Sign-ins to these pages")),
    ("changes", _("Changes to the account")),
)
_PROTOCOLS = (
    ("", _("Every protocol")),
    ("imap", "IMAP"),
    ("pop3", "POP3"),
    ("submission", "SMTP"),
    ("sieve", "ManageSieve"),
)
_LONGEST_PROGRAM = 200
_NO_DAY = _("Write the day like 2026-05-03.")


def _day(label: object) -> forms.DateField:
    return forms.DateField(
        label=label,  # type: ignore[arg-type]  # a lazy text
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _NO_DAY},
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )


class ActivityForm(forms.Form):
    """The filters; whatever is wrong is said, and narrows nothing."""

    show = forms.ChoiceField(label=_("Show"), required=False, choices=_SHOWN)
    protocol = forms.ChoiceField(label=_("Protocol"), required=False, choices=_PROTOCOLS)
    app_password = forms.ChoiceField(label=_("App password"), required=False)
    program = forms.CharField(
        label=_("Program contains"), required=False, max_length=_LONGEST_PROGRAM
    )
    since = _day(_("First day"))
    until = _day(_("Last day"))

    def __init__(self, data: QueryDict, *, account: Account) -> None:
        super().__init__(data)
        field = cast("forms.ChoiceField", self.fields["app_password"])
        rows = AppPassword.objects.filter(account=account).order_by("-pk")
        named = [(str(row.pk), app_passwords.name(row)) for row in rows]
        field.choices = [("", _("Any")), *named]

    def wanted(self) -> Wanted:
        """What is wanted, as far as it makes sense."""
        self.is_valid()
        told = self.cleaned_data
        app_password = told.get("app_password")
        return Wanted(
            show=told.get("show", ""),
            protocol=told.get("protocol", ""),
            app_password=int(app_password) if app_password else None,
            program=told.get("program", ""),
            since=_starts(told.get("since")),
            until=_starts(told.get("until"), days_on=1),
        )


def _starts(day: date | None, *, days_on: int = 0) -> int | None:
    """When it begins in her time zone; `None` for days that no clock here can tell."""
    if day is None:
        return None
    try:
        return people_time.start_of(day + timedelta(days=days_on))
    except (OverflowError, ValueError, OSError):
        return None
