"""What an operator narrows the table to."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from sidegate.accounts.observe_report import Wanted
from sidegate.console.words import SHOWN

PROTOCOLS = (
    ("imap", "IMAP"),
    ("pop3", "POP3"),
    ("submission", "SMTP"),
    ("sieve", "ManageSieve"),
)


class WantedForm(forms.Form):
    """The filters; whatever is not one of them narrows nothing."""

    show = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("Everything")), *SHOWN]
    )
    protocol = forms.ChoiceField(
        label=_("Protocol"), required=False, choices=[("", _("Every protocol")), *PROTOCOLS]
    )
    text = forms.CharField(label=_("Address contains"), required=False, max_length=254)

    def wanted(self) -> Wanted:
        """What is wanted, as far as it makes sense."""
        self.is_valid()
        told = self.cleaned_data
        return Wanted(
            show=told.get("show", ""),
            protocol=told.get("protocol", ""),
            text=told.get("text", "").strip(),
        )
