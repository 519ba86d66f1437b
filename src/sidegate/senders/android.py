"""An Android phone as gateway: the HTTP API of "SMS Gateway for Android" (capcom6).

The same requests go to a phone in the own network and to that project's cloud server;
`url` is where messages are posted. The message's id is ours, so that one that is posted
twice is sent once; the phone is asked what became of it.
"""

from __future__ import annotations

import json

from sidegate.config.gateways import Android
from sidegate.senders.following import PAUSES, Following
from sidegate.senders.gateway import Delivery, Message, NotNow, Receipt, Sent
from sidegate.senders.http_client import (
    PATIENCE,
    HttpClient,
    checked,
    facts_of,
    is_reference,
    refused,
)

LIFETIME = 600
"""Seconds after which a phone that was away sends a code no more."""
_STATES: dict[str, Delivery] = {"Delivered": "delivered", "Failed": "failed"}


class AndroidGateway:
    """Hands messages to one phone, or to the cloud server."""

    patience = PATIENCE

    def __init__(
        self, name: str, options: Android, receipt: Receipt, pauses: tuple[float, ...] = PAUSES
    ) -> None:
        self.name = name
        self._url = options.url.rstrip("/")
        self._client = HttpClient(user=(options.username, options.password), proxy=options.proxy)
        self._following = Following(self._ask, receipt, pauses)

    async def send(self, message: Message) -> Sent:
        """Hand it over; raises `NotNow`, `MaybeSent`."""
        wanted = {
            "id": message.id,
            "textMessage": {"text": message.text},
            "phoneNumbers": [message.number],
            "withDeliveryReport": True,
            "ttl": LIFETIME,
        }
        answer = await self._client.ask(
            "POST",
            self._url,
            body=json.dumps(wanted, ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json"},
        )
        if not answer.is_good:
            raise refused(answer)
        reference = str(facts_of(answer).get("id", ""))
        if not is_reference(reference):
            return Sent()
        self._following.begin(reference)
        return Sent(reference)

    async def check(self) -> str | None:
        """Ask for a message that is not there."""
        answer = await checked(self._client, "GET", f"{self._url}/none")
        if answer.status != 404:  # noqa: PLR2004 - HTTP
            raise NotNow("credentials" if answer.status in (401, 403) else "broken")
        return "it answered and knows the user"

    async def close(self) -> None:
        """Ask about nothing any more, and close what is open."""
        await self._following.close()
        await self._client.close()

    async def _ask(self, reference: str) -> Delivery | None:
        answer = await checked(self._client, "GET", f"{self._url}/{reference}")
        return _STATES.get(str(facts_of(answer).get("state"))) if answer.is_good else None
