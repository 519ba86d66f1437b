"""Messages for the tests of gateways, and what is told of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sidegate.senders.gateway import Delivery, Message

CODE = "918273"
LINE = f"@portal.example.test #{CODE}"
ENGLISH = f"{CODE} is your Example code.\n\n{LINE}"
LATVIAN = f"{CODE} ir jūsu Example kods.\n\n{LINE}"
NUMBER = "+37120000007"
PATIENCE = 15.0


def message(text: str = ENGLISH, number: str = NUMBER) -> Message:
    return Message(id="7-1", number=number, channel="sms", code=CODE, text=text, language="en")


@dataclass
class Told:
    """The receipts that a gateway told of."""

    receipts: list[tuple[str, Delivery]] = field(default_factory=list)
    _new: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, reference: str, became: Delivery) -> None:
        self.receipts.append((reference, became))
        self._new.set()

    async def wait(self, count: int = 1) -> list[tuple[str, Delivery]]:
        async with asyncio.timeout(PATIENCE):
            while len(self.receipts) < count:
                self._new.clear()
                await self._new.wait()
        return self.receipts
