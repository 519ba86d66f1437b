"""What people say of themselves, checked."""

from __future__ import annotations

from itertools import groupby
from typing import Any, cast

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import recovery_address
from sidegate.accounts.errors import BadAddress
from sidegate.events.catalogue import MAX_TEXT
from sidegate.pages import time_zones
from sidegate.pages.time_zones import Zone
from sidegate.storage.models import Account

# Longer than any right answer, so that a wrong one is refused for what it is.
_MOST_TYPED = 1000


def languages() -> list[tuple[str, str]]:
    """Those there are, each by its own name."""
    return [(code, str(name)) for code, name in settings.LANGUAGES]


class _Form(forms.Form):
    # The pages say what is missing themselves, in the person's language.
    use_required_attribute = False


class NameForm(_Form):
    """What to call her."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=MAX_TEXT,
        required=False,
        help_text=_("Pages greet you by it. It changes nothing about your mail."),
        error_messages={"max_length": _("Use at most 200 characters.")},
        widget=forms.TextInput({"autocomplete": "name", "maxlength": "", "dir": "auto"}),
    )


class _EachInItsOwn(forms.Select):
    """Languages, each named in itself and marked so for screen readers (WCAG 2.2, 3.1.2)."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ANN401 - as Django calls it
        option: dict[str, Any] = super().create_option(*args, **kwargs)
        if option["value"]:
            option["attrs"]["lang"] = option["value"]
        return option


class LanguageForm(_Form):
    """The language of pages and messages."""

    language = forms.ChoiceField(
        label=_("Language"),
        required=False,
        widget=_EachInItsOwn,
        error_messages={"invalid_choice": _("Choose one of the languages.")},
    )

    def __init__(self, data: QueryDict | None, *, initial: dict[str, str]) -> None:
        super().__init__(data, initial=initial)
        field = cast("forms.ChoiceField", self.fields["language"])
        field.choices = [("", _("As my browser asks for")), *languages()]


class TimeZoneForm(_Form):
    """The time zone of the pages."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        error_messages={"invalid_choice": _("Choose one of the time zones.")},
    )

    def __init__(
        self, data: QueryDict | None, *, zones: list[Zone], now: int, initial: dict[str, str]
    ) -> None:
        super().__init__(data, initial=initial)
        field = cast("forms.ChoiceField", self.fields["time_zone"])
        current = [zone for zone in time_zones.all_zones() if zone.name == initial["time_zone"]]
        shown = sorted({*zones, *current})
        server = _("Server time (%(offset)s)") % {"offset": time_zones.offset("", now=now)}
        field.choices = [
            ("", server),
            *(
                (region, [(zone.name, _label(zone, now)) for zone in of_region])
                for region, of_region in groupby(shown, key=lambda zone: zone.region)
            ),
        ]
        if len(zones) == 1:
            self.initial["time_zone"] = zones[0].name


class RecoveryAddressForm(_Form):
    """Another mailbox."""

    address = forms.CharField(
        label=_("Recovery address"),
        max_length=_MOST_TYPED,
        error_messages={"required": _("Enter the address of another mailbox of yours.")},
        widget=forms.TextInput(
            {
                "autocomplete": "email",
                "inputmode": "email",
                "dir": "ltr",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )

    def __init__(self, data: QueryDict | None, *, account: Account) -> None:
        super().__init__(data)
        self._account = account

    def clean_address(self) -> str:
        """Say what is wrong with it."""
        try:
            return recovery_address.checked(self.cleaned_data["address"], account=self._account)
        except BadAddress as bad:
            raise forms.ValidationError(str(bad.text)) from None


def _label(zone: Zone, now: int) -> str:
    return f"{zone.city} ({time_zones.offset(zone.name, now=now)})"
