"""Twilio's REST API, and that of the many providers who copy it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urlencode

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

_STATES: dict[str, Delivery] = {
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
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
        self._following = Following(self._ask, receipt, pauses)

    async def send(self, message: Message) -> Sent:
        """Hand it over; raises `NotNow`, `NotReachable`, `MaybeSent`."""
        sender = self._options.sender
        by = "MessagingServiceSid" if sender.startswith("MG") else "From"
        fields = {"To": message.number, by: sender, "Body": message.text}
        answer = await self._client.ask(
            "POST",
            f"{self._account}/Messages.json",
            body=urlencode(fields).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        if not answer.is_good:
            raise _fault(answer)
        reference = str(facts_of(answer).get("sid", ""))
        if not is_reference(reference):
            return Sent()
        self._following.begin(reference)
        return Sent(reference)

    async def check(self) -> str | None:
        """Ask for the account itself."""
        answer = await checked(self._client, "GET", f"{self._account}.json")
        if not answer.is_good:
            raise NotNow("credentials" if answer.status in (401, 403, 404) else "broken")
        return "it answered and knows the account"

    async def close(self) -> None:
        """Ask about nothing any more, and close what is open."""
        await self._following.close()
        await self._client.close()

    async def _ask(self, reference: str) -> Delivery | None:
        answer = await checked(self._client, "GET", f"{self._account}/Messages/{reference}.json")
        return _STATES.get(str(facts_of(answer).get("status"))) if answer.is_good else None


def _fault(answer: Answer) -> Exception:
    code = facts_of(answer).get("code")
    found = _FAULTS.get(code) if isinstance(code, int) else None
    return found() if found else refused(answer)
