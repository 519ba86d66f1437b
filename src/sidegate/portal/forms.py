"""What people type into the portal's pages, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from sidegate.accounts import phone_numbers, second_steps
from sidegate.accounts.code_orders import Channel
from sidegate.accounts.errors import BadNumber, WeakPassword
from sidegate.factors import backup_code, one_time_code
from sidegate.pages.context import context

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

CHANNELS: tuple[tuple[Channel, _StrPromise], ...] = (
    ("sms", _("Text message")),
    ("voice", _("Phone call")),
)


def open_channels() -> list[tuple[Channel, _StrPromise]]:
    """The ways that a gateway is set up for."""
    return [pair for pair in CHANNELS if pair[0] in context().config.channels]


# Longer than any right answer, so that a wrong one is refused for what it is.
_MOST_TYPED = 1000


class _Form(forms.Form):
    # The pages say what is missing themselves, in the person's language.
    use_required_attribute = False


def _password(label: _StrPromise, *, missing: _StrPromise, autocomplete: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=_MOST_TYPED,
        strip=False,
        error_messages={"required": missing},
        # Shown, it is a text: no browser may correct it, or send it to who corrects.
        widget=forms.PasswordInput(
            {
                "autocomplete": autocomplete,
                "autocapitalize": "none",
                "spellcheck": "false",
                "dir": "ltr",
            }
        ),
    )


def _email(*, autocomplete: str) -> forms.CharField:
    return forms.CharField(
        label=_("Email"),
        max_length=_MOST_TYPED,
        error_messages={"required": _("Enter your email address.")},
        widget=forms.TextInput(
            {
                "autocomplete": autocomplete,
                "inputmode": "email",
                "dir": "ltr",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )


class AddressForm(_Form):
    """Whose password was forgotten."""

    email = _email(autocomplete="username")


class SignInForm(_Form):
    """The first stage."""

    email = _email(autocomplete="username webauthn")
    password = _password(
        _("Password"), missing=_("Enter your password."), autocomplete="current-password"
    )


class PasswordForm(_Form):
    """The password, again."""

    password = _password(
        _("Password"), missing=_("Enter your password."), autocomplete="current-password"
    )


class NewPasswordForm(_Form):
    """A new account password."""

    new_password = _password(
        _("New password"), missing=_("Enter a new password."), autocomplete="new-password"
    )
    keep_app_passwords = forms.BooleanField(label=_("Keep my app passwords"), required=False)

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data)
        self.fields["new_password"].help_text = _(
            "At least 8 characters. A few unrelated words are easy to keep in mind."
        )

    def refuse(self, weak: WeakPassword) -> None:
        """Say what is weak about it."""
        self.add_error("new_password", str(weak.text))


class PhoneForm(_Form):
    """Where codes go, and how."""

    number = forms.CharField(
        label=_("Phone number"),
        max_length=_MOST_TYPED,
        error_messages={"required": _("Enter the phone number that codes should go to.")},
        widget=forms.TextInput({"type": "tel", "autocomplete": "tel", "dir": "ltr"}),
    )
    channel = forms.ChoiceField(
        label=_("How should codes reach you?"),
        choices=CHANNELS,
        initial="sms",
        error_messages={"required": _("Choose text message or phone call.")},
        widget=forms.RadioSelect,
    )

    def __init__(
        self, data: QueryDict | None, *, region: str | None, initial: dict[str, str]
    ) -> None:
        super().__init__(data, initial=initial)
        self._region = region
        channel = cast("forms.ChoiceField", self.fields["channel"])
        channel.choices, channel.initial = open_channels(), open_channels()[0][0]
        self.fields["number"].help_text = _("With the country code, like +371 20 000 000.")

    def clean_number(self) -> str:
        """The number in the one form that is stored and dialled."""
        try:
            return phone_numbers.normal_number(
                self.cleaned_data["number"],
                region=self._region,
                countries=context().config.phone_countries,
            )
        except BadNumber as bad:
            raise forms.ValidationError(str(bad.text)) from None

    def chosen_channel(self) -> Channel:
        """The way the person chose."""
        return cast("Channel", self.cleaned_data["channel"])


class CodeForm(_Form):
    """A code that was sent."""

    code = forms.CharField(
        label=_("Code"),
        max_length=_MOST_TYPED,
        error_messages={"required": _("Enter the code that we sent you.")},
        widget=forms.TextInput(
            {
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "spellcheck": "false",
                "dir": "ltr",
            }
        ),
    )

    def clean_code(self) -> str:
        """What cannot be a code costs no try."""
        code = one_time_code.normalise(self.cleaned_data["code"])
        if code is None:
            raise forms.ValidationError(_("A code has 6 digits. Check what you typed."))
        return code


class AppCodeForm(CodeForm):
    """A code that an authenticator app shows."""

    def __init__(self, data: QueryDict | None) -> None:
        super().__init__(data)
        self.fields["code"].error_messages["required"] = _("Enter the code that the app shows.")


class BackupCodeForm(_Form):
    """A backup code."""

    code = forms.CharField(
        label=_("Code"),
        max_length=_MOST_TYPED,
        error_messages={"required": _("Enter one of the backup codes.")},
        widget=forms.TextInput(
            {
                "autocomplete": "off",
                "inputmode": "text",
                "dir": "ltr",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )

    def clean_code(self) -> str:
        """What cannot be a code costs no try."""
        code = backup_code.normalise(self.cleaned_data["code"])
        if code is None:
            text = _("A backup code has 10 letters and digits. Check what you typed.")
            raise forms.ValidationError(text)
        return code


class StepNameForm(_Form):
    """What a second step is called."""

    name = forms.CharField(
        label=_("Name"),
        max_length=second_steps.LONGEST_NAME,
        error_messages={"required": _("Enter a name.")},
        widget=forms.TextInput({"autocomplete": "off", "dir": "auto"}),
    )
