"""Phone calls over SIP: baresip calls through the operator's server and plays spoken digits.

A call counts as sent once the phone rings, and as delivered once the code was said. Until
then nothing was said: so every fault before the ringing is surely "not sent", and what
happens later is told as a receipt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from sidegate.config.gateways import Sip
from sidegate.config.templates import fill
from sidegate.senders.gateway import (
    Delivery,
    Message,
    NotNow,
    NotReachable,
    Receipt,
    Sent,
    Trouble,
)
from sidegate.senders.sip_agent import Agent, running_agent
from sidegate.senders.sip_route import route_to
from sidegate.senders.speech import Speaker, Speech

log = logging.getLogger(__name__)

REGISTERING = 8.0
"""Seconds for the registration, or for an answer to a question."""
CONNECTING = 25.0
"""Seconds from dialling until the phone rings."""
RINGING = 45.0
"""Seconds for somebody to answer."""
PATIENCE = REGISTERING + CONNECTING + 15.0

_PROGRESS = range(180, 200)
_GOOD = range(200, 300)
_FAULTS: dict[int, Callable[[], Trouble]] = {
    401: lambda: NotNow("credentials"),
    402: lambda: NotNow("credit"),
    404: lambda: NotReachable("unknown-number"),
    407: lambda: NotNow("credentials"),
    408: lambda: NotReachable("no-answer"),
    410: lambda: NotReachable("unknown-number"),
    480: lambda: NotReachable("no-answer"),
    484: lambda: NotReachable("unknown-number"),
    486: lambda: NotReachable("line-busy"),
    487: lambda: NotReachable("no-answer"),
    503: lambda: NotNow("busy"),
    600: lambda: NotReachable("line-busy"),
    603: lambda: NotReachable("declined"),
    604: lambda: NotReachable("unknown-number"),
    607: lambda: NotReachable("declined"),
}
"""What an answer to a call means (RFC 3261, 21); to a registration, see `_registered`."""
_LATER: dict[str, Delivery] = {
    "no-answer": "no-answer",
    "line-busy": "line-busy",
    "declined": "declined",
}


class SipGateway:
    """Calls through one server."""

    patience = PATIENCE

    def __init__(
        self,
        name: str,
        options: Sip,
        receipt: Receipt,
        *,
        folder: Path,
        ringing: float = RINGING,
    ) -> None:
        self.name = name
        self._options = options
        self._receipt = receipt
        self._folder = folder
        self._ringing = ringing
        self._speaker = Speaker()
        self._calls: set[asyncio.Task[None]] = set()

    async def send(self, message: Message) -> Sent:
        """Call until the phone rings; raises `NotNow`, `NotReachable`."""
        if len(self._calls) >= self._options.calls:
            raise NotNow("busy")
        rings = asyncio.get_running_loop().create_future()
        call = asyncio.create_task(self._call(message, rings))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            await asyncio.wait([rings, call], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            call.cancel()
            raise
        if not rings.done():
            await call
        return Sent(message.id)

    async def check(self) -> str | None:
        """Register, or ask for the server's options; and whether digits can be spoken."""
        await self._speaker.has_voice("en")
        route = await route_to(self._options.server)
        options, asked = self._options, route.uri(self._options.caller)
        ours = (route.uri(), asked)
        async with running_agent(options, route, None, ours=ours, parent=self._folder) as agent:
            if options.username:
                await _registered(agent)
                return "it registered with the SIP server"
            agent.ask(asked)
            await _answer(agent, "OPTIONS", REGISTERING, over=range(200, 700))
        return "the SIP server answers; that it takes calls from here only a call proves"

    async def close(self) -> None:
        """Hang up."""
        for call in tuple(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)

    async def _call(self, message: Message, rings: asyncio.Future[None]) -> None:
        """The whole of a call. Raises `Trouble` before the ringing, and tells it after."""
        try:
            speech = await self._speaker.speech(message)
            if not await self._speaker.has_voice(message.language):
                log.warning("espeak-ng has no voice for %r: English was spoken", message.language)
            became = await self._made(message, speech, rings)
        except Trouble as trouble:
            if not rings.done():
                raise
            became = _LATER.get(trouble.why, "failed")
        if became is not None:
            self._receipt(message.id, became)

    async def _made(
        self, message: Message, speech: Speech, rings: asyncio.Future[None]
    ) -> Delivery | None:
        options = self._options
        route = await route_to(options.server)
        values = {"number": message.number, "digits": message.number.lstrip("+")}
        callee = route.uri(fill(options.dial, values, str))
        ours = (route.uri(), callee)
        async with running_agent(options, route, speech, ours=ours, parent=self._folder) as agent:
            if options.username:
                await _registered(agent)
            agent.dial(callee)
            if await _answer(agent, "INVITE", CONNECTING, over=_PROGRESS) in _PROGRESS:
                rings.set_result(None)
                await self._picked_up(agent)
            if not rings.done():
                rings.set_result(None)
            return await self._said(agent, message, speech)

    async def _picked_up(self, agent: Agent) -> None:
        try:
            await _answer(agent, "INVITE", self._ringing, over=_GOOD)
        except NotNow as trouble:
            raise NotReachable("no-answer") if trouble.why == "slow" else trouble from None

    async def _said(self, agent: Agent, message: Message, speech: Speech) -> Delivery | None:
        """Tell that the code was said, and stay until the call ends."""
        try:
            async with asyncio.timeout(speech.once_after):
                await _until_over(agent)
        except TimeoutError:
            self._receipt(message.id, "delivered")
            await _until_over(agent)
            return None
        return "cut-short"


async def _registered(agent: Agent) -> None:
    status = await _status(agent, "REGISTER", REGISTERING, over=range(200, 700))
    if status == 503:  # noqa: PLR2004 - RFC 3261
        raise NotNow("busy")
    if status not in _GOOD:
        raise NotNow("credentials" if status < 500 else "broken")  # noqa: PLR2004 - SIP's own classes


async def _answer(agent: Agent, method: str, patience: float, *, over: range) -> int:
    """The status of the first answer in `over`, or of a good one; raises what others mean."""
    status = await _status(agent, method, patience, over=range(over.start, 700))
    if status in over or status in _GOOD:
        return status
    fault = _FAULTS.get(status)
    raise fault() if fault else NotNow("broken" if status >= 500 else "refused")  # noqa: PLR2004 - SIP's own classes


async def _status(agent: Agent, method: str, patience: float, *, over: range) -> int:
    """The status of the next answer within `over`; raises `NotNow` where none comes."""
    try:
        async with asyncio.timeout(patience):
            while (heard := await agent.next()) is not None:
                if heard.method == method and heard.status in over:
                    return heard.status
    except TimeoutError:
        raise NotNow("slow") from None
    raise NotNow("away")


async def _until_over(agent: Agent) -> None:
    """Say it again as often as a key is pressed, until somebody hangs up or all was said."""
    while (heard := await agent.next()) is not None:
        if heard.method == "KEY":
            agent.say_again()
        if heard.method == "BYE":
            return
