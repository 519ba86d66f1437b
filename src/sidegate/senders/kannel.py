"""Kannel's smsbox, by POST: credentials and number in its X-Kannel headers, the text as the body.

Nothing is in the address, so nothing is in an access log of a proxy. It tells of
deliveries only by calling an address of ours, which is not offered.
"""

from __future__ import annotations

from sidegate.config.gateways import Kannel
from sidegate.senders.gateway import Message, NotNow, NotReachable, Sent
from sidegate.senders.http_client import PATIENCE, Answer, HttpClient, checked, refused
from sidegate.wire import sms

_GSM, _UCS2 = "0", "2"
"""Its numbers for codings, in headers and in addresses."""


class KannelGateway:
    """Hands messages to one smsbox."""

    patience = PATIENCE

    def __init__(self, name: str, options: Kannel) -> None:
        self.name = name
        self._options = options
        self._client = HttpClient(proxy=options.proxy)

    async def send(self, message: Message) -> Sent:
        """Hand it over; raises `NotNow`, `NotReachable`, `MaybeSent`."""
        text = message.text.partition("\n")[0] if self._options.one_line else message.text
        answer = await self._client.ask(
            "POST",
            self._options.url,
            body=text.encode(),
            headers=self._headers()
            | {
                "X-Kannel-To": message.number,
                "X-Kannel-Coding": _GSM if sms.is_gsm(text) else _UCS2,
            },
        )
        if answer.is_good:
            return Sent()
        raise _fault(answer)

    async def check(self) -> str | None:
        """Ask for a message to nobody, which it refuses only after it knew us."""
        answer = await checked(
            self._client, "POST", self._options.url, body=b"check", headers=self._headers()
        )
        if answer.status == 400 and "receiver" in answer.text.lower():  # noqa: PLR2004 - HTTP
            return "smsbox answered and knows the user"
        raise NotNow("credentials" if answer.status == 403 else "broken")  # noqa: PLR2004 - HTTP

    async def close(self) -> None:
        """Close what is open."""
        await self._client.close()

    def _headers(self) -> dict[str, str]:
        options = self._options
        return {
            "X-Kannel-Username": options.username,
            "X-Kannel-Password": options.password,
            "X-Kannel-From": options.sender,
            "Content-Type": "text/plain; charset=UTF-8",
        }


def _fault(answer: Answer) -> Exception:
    if "black-lists" in answer.text:
        return NotReachable("barred")
    return refused(answer)
