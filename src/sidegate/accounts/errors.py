"""What an action can say no with. Each has a text for the person, and what to do next."""

from __future__ import annotations

from django.utils.functional import Promise

from sidegate.decisions.sends import Why


class AccountError(Exception):
    """An action was not done. `text` says what was wrong and what to do."""

    def __init__(self, text: str | Promise) -> None:
        super().__init__(text)
        self.text = text


class BadAddress(AccountError):  # noqa: N818 - named for what was wrong
    """No account can have this address."""


class AddressTaken(AccountError):  # noqa: N818 - named for what was wrong
    """There is an account with this address."""


class WeakPassword(AccountError):  # noqa: N818 - named for what was wrong
    """The new password is too short or long, too common or breached, or about its account."""


class KeptElsewhere(AccountError):  # noqa: N818 - named for what was wrong
    """Accounts and their passwords are the operator's directory's."""


class BadNumber(AccountError):  # noqa: N818 - named for what was wrong
    """Codes cannot be sent to this number."""


class ChallengeOver(AccountError):  # noqa: N818 - named for what was wrong
    """The code that was asked for is no longer waited for."""


class NotAvailable(AccountError):  # noqa: N818 - named for what was wrong
    """What was asked for is not to be had as things stand."""


class LastStep(AccountError):  # noqa: N818 - named for what was wrong
    """2-step rests on this second step alone."""


class TooManyAppPasswords(AccountError):  # noqa: N818 - named for what was wrong
    """The account holds as many app passwords as it may."""


class Wait(AccountError):  # noqa: N818 - named for what was wrong
    """Not now: from `retry_at` on, in milliseconds since the epoch."""

    def __init__(self, text: str | Promise, *, retry_at: int) -> None:
        super().__init__(text)
        self.retry_at = retry_at


class TooSoon(Wait):
    """The last code was sent moments ago."""


class TooManyTries(Wait):
    """As many wrong codes as may be were typed."""


class TooManyCodes(Wait):
    """As many codes as may be were sent."""


class CodesStopped(TooManyCodes):
    """Codes are stopped for more people than who asks; `why` is of `decisions.sends`."""

    def __init__(self, text: str | Promise, *, retry_at: int, why: Why, prefix: str) -> None:
        super().__init__(text, retry_at=retry_at)
        self.why = why
        self.prefix = prefix
