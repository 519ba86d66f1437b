"""Twilio's REST API, and that of the many providers who copy it.

A call's words go along with the order to call (inline TwiML): there is no address from which
they could be fetched, so no code stands in one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape, quoteattr

from sidegate.config.gateways import Twilio
from sidegate.senders.following import PAUSES, Following
from sidegate.senders.gateway import Delivery, Message, NotNow, NotReachable, Receipt, Sent
from sidegate.senders.http_client import (
    PATIENCE,
    Answer,
    HttpClient,
    checked,
    facts_of,
    is_reference,
    refused,
)
from sidegate.senders.speech import phrases_of

_STATES: dict[str, Delivery] = {
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_CALL_STATES: dict[str, Delivery] = {
    "completed": "delivered",
    "busy": "line-busy",
    "no-answer": "no-answer",
    "failed": "failed",
    "canceled": "failed",
}
_LOCALES = {
    "ar": "ar-XA",
    "de": "de-DE",
    "en": "en-US",
    "es": "es-ES",
    "et": "et-EE",
    "fr": "fr-FR",
    "lt": "lt-LT",
    "lv": "lv-LV",
    "pl": "pl-PL",
    "uk": "uk-UA",
}
"""As Twilio names languages."""
_RINGING = "45"
"""Seconds."""
_LONGEST_CALL = "120"
"""Seconds."""
_PAUSE = '<Pause length="1"/>'
_FAULTS: dict[int, Callable[[], Exception]] = {
    20003: lambda: NotNow("credentials"),
    20005: lambda: NotNow("credentials"),  # the account is not active
    20429: lambda: NotNow("busy"),
    21211: lambda: NotReachable("unknown-number"),  # no phone number
    21214: lambda: NotReachable("unknown-number"),  # cannot be reached
    21217: lambda: NotReachable("unknown-number"),  # no phone number
    21265: lambda: NotReachable("unknown-number"),  # a short code
    21610: lambda: NotReachable("barred"),  # the person answered STOP
    21611: lambda: NotNow("busy"),  # the sender's queue is full
    21614: lambda: NotReachable("unknown-number"),  # no mobile number
    30001: lambda: NotNow("busy"),
    30002: lambda: NotNow("credentials"),  # the account is suspended
    63038: lambda: NotNow("busy"),  # the day's messages are used up
}
"""Its error codes; any other is judged by the status of the answer."""


class TwilioGateway:
    """Hands messages to one account."""

    patience = PATIENCE

    def __init__(
        self, name: str, options: Twilio, receipt: Receipt, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        self.name = name
        self._options = options
        account = quote(options.account, safe="")
        self._account = f"{options.url.rstrip('/')}/2010-04-01/Accounts/{account}"
        user = (options.username or options.account, options.password)
        self._client = HttpClient(user=user, proxy=options.proxy)
        self._voices = dict(options.voices)
        self._texts = Following(partial(self._ask, "Messages", _STATES), receipt, pauses)
        self._calls = Following(partial(self._ask, "Calls", _CALL_STATES), receipt, pauses)

    async def send(self, message: Message) -> Sent:
        """Hand it over; raises `NotNow`, `NotReachable`, `MaybeSent`."""
        is_call = message.channel == "voice"
        fields = self._call(message) if is_call else self._text(message)
        answer = await self._client.ask(
            "POST",
            f"{self._account}/{'Calls' if is_call else 'Messages'}.json",
            body=urlencode(fields).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        if not answer.is_good:
            raise _fault(answer)
        reference = str(facts_of(answer).get("sid", ""))
        if not is_reference(reference):
            return Sent()
        (self._calls if is_call else self._texts).begin(reference)
        return Sent(reference)

    async def check(self) -> str | None:
        """Ask for the account itself."""
        answer = await checked(self._client, "GET", f"{self._account}.json")
        if not answer.is_good:
            raise NotNow("credentials" if answer.status in (401, 403, 404) else "broken")
        return "it answered and knows the account"

    async def close(self) -> None:
        """Ask about nothing any more, and close what is open."""
        await self._texts.close()
        await self._calls.close()
        await self._client.close()

    def _text(self, message: Message) -> dict[str, str]:
        sender = self._options.sender
        by = "MessagingServiceSid" if sender.startswith("MG") else "From"
        return {"To": message.number, by: sender, "Body": message.text}

    def _call(self, message: Message) -> dict[str, str]:
        return {
            "To": message.number,
            "From": self._options.sender,
            "Twiml": _twiml(message, self._voices.get(message.language, "")),
            "Timeout": _RINGING,
            "TimeLimit": _LONGEST_CALL,
        }

    async def _ask(
        self, kind: str, states: Mapping[str, Delivery], reference: str
    ) -> Delivery | None:
        answer = await checked(self._client, "GET", f"{self._account}/{kind}/{reference}.json")
        return states.get(str(facts_of(answer).get("status"))) if answer.is_good else None


def _twiml(message: Message, voice: str) -> str:
    """The phrases, each followed by the digits one by one."""
    how = f" language={quoteattr(_LOCALES.get(message.language, message.language))}"
    how += f" voice={quoteattr(voice)}" if voice else ""
    words = [word for phrase in phrases_of(message) for word in (phrase, *message.code)]
    said = "".join(f"<Say{how}>{escape(word)}</Say>{_PAUSE}" for word in words)
    return f"<Response>{_PAUSE}{said}</Response>"


def _fault(answer: Answer) -> Exception:
    code = facts_of(answer).get("code")
    found = _FAULTS.get(code) if isinstance(code, int) else None
    return found() if found else refused(answer)
