"""Apprise: its many plug-ins for services that send short messages. An optional package.

It tells only whether all went well, and a "no" may come after the message was taken
over: so a "no" is "not known", and no other gateway is tried after it.
"""

from __future__ import annotations

import importlib
import logging
from typing import Any

from sidegate.config.gateways import Apprise
from sidegate.config.templates import fill
from sidegate.senders.gateway import MaybeSent, Message, NotNow, Sent

PATIENCE = 30.0
"""Seconds; its own pauses between two messages are in it."""

# It would write numbers, and at DEBUG whole requests, into the log.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class AppriseGateway:
    """Hands messages to one service, named by an address of Apprise's own."""

    patience = PATIENCE

    def __init__(self, name: str, options: Apprise) -> None:
        self.name = name
        self._url = options.url
        self._package = importlib.import_module("apprise")

    async def send(self, message: Message) -> Sent:
        """Hand it over; raises `NotNow` where the address is not understood, else `MaybeSent`."""
        service = self._service(message.number)
        if not await service.async_notify(body=message.text):
            raise MaybeSent("dropped")
        return Sent()

    async def check(self) -> str | None:
        """Whether Apprise understands the address; it can prove no credentials."""
        self._service("+37120000000")
        return None

    async def close(self) -> None:
        """Nothing is open between two sends."""

    def _service(self, number: str) -> Any:  # noqa: ANN401 - an optional package has no types here
        service = self._package.Apprise()
        values = {"number": number, "digits": number.lstrip("+")}
        if not service.add(fill(self._url, values, str)):
            raise NotNow("broken")
        return service
