"""Any gateway that takes a message by HTTP: the operator writes the request as a template.

The places of a template are filled in as its content type needs it, so that no text can
break out of its place. The text and the code go into the body alone: addresses are
written into logs, and headers often are.
"""

from __future__ import annotations

from urllib.parse import quote

from sidegate.config.gateways import Http
from sidegate.config.templates import ESCAPES, fill
from sidegate.senders.gateway import Message, NotNow, Sent
from sidegate.senders.http_client import PATIENCE, Answer, HttpClient, refused


class HttpGateway:
    """Fills the template in, and asks."""

    patience = PATIENCE

    def __init__(self, name: str, options: Http) -> None:
        self.name = name
        self._options = options
        user = (options.username, options.password) if options.username else None
        self._client = HttpClient(user=user, proxy=options.proxy)

    async def send(self, message: Message) -> Sent:
        """Ask once; raises `NotNow`, `MaybeSent`."""
        options = self._options
        text = message.text.partition("\n")[0] if options.one_line else message.text
        open_values = {
            "number": message.number,
            "digits": message.number.lstrip("+"),
            "id": message.id,
            "language": message.language,
            "channel": message.channel,
        }
        values = open_values | {"text": text, "code": message.code}
        answer = await self._client.ask(
            options.method,
            fill(options.url, open_values, lambda value: quote(value, safe="")),
            body=fill(options.body, values, ESCAPES[options.content_type]).encode(),
            headers={"Content-Type": f"{options.content_type}; charset=UTF-8"}
            | {key: fill(value, open_values, str) for key, value in options.headers},
        )
        if not self._is_success(answer):
            raise refused(answer) if not answer.is_good else NotNow("refused")
        return Sent()

    async def check(self) -> str | None:
        """A template says nothing of a request that sends nothing."""
        return None

    async def close(self) -> None:
        """Close what is open."""
        await self._client.close()

    def _is_success(self, answer: Answer) -> bool:
        wanted = self._options.success_status
        right = answer.status in wanted if wanted else answer.is_good
        return right and self._options.success_text in answer.text
