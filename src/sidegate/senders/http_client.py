"""Asking a gateway over HTTP: one request, and what its faults mean for a code.

Each request has a connection of its own: codes are few, and a kept connection that the
other side closed just then would leave open whether the code was taken over. Neither
redirects nor the environment's proxies are followed: credentials go where the
configuration says.
"""

from __future__ import annotations

import json
import logging
import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from sidegate.senders.gateway import MaybeSent, NotNow

CONNECTING = 5.0
"""Seconds for a connection and its TLS."""
ANSWERING = 15.0
"""Seconds for the answer, once the request is written."""
PATIENCE = 25.0
"""Seconds after which whoever sends gives up."""
_LONGEST_ANSWER = 64 * 1024

# They would write addresses, which may hold numbers and accounts, into the log.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Answer:
    """What came back: its status, and as much of its body as a gateway's answer may have."""

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body

    @property
    def is_good(self) -> bool:
        """2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own classes

    @property
    def text(self) -> str:
        """The body as a text."""
        return self.body.decode(errors="replace")


class HttpClient:
    """A client for one gateway."""

    def __init__(self, *, user: tuple[str, str] | None = None, proxy: str = "") -> None:
        self._client = httpx.AsyncClient(
            headers={"User-Agent": "Sidegate", "Accept-Encoding": "identity"},
            auth=httpx.BasicAuth(*user) if user else None,
            verify=ssl.create_default_context(),  # the machine's authorities
            proxy=proxy or None,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(ANSWERING, connect=CONNECTING),
            limits=httpx.Limits(max_keepalive_connections=0),
        )

    async def ask(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once; raises `NotNow` where nothing was written, else `MaybeSent`."""
        try:
            async with self._client.stream(method, url, content=body, headers=headers) as answer:
                return Answer(answer.status_code, await _body(answer))
        except (httpx.ConnectTimeout, httpx.PoolTimeout):
            raise NotNow("slow") from None
        except (httpx.ConnectError, httpx.ProxyError):
            raise NotNow("away") from None
        except httpx.TimeoutException:
            raise MaybeSent("timeout") from None
        except httpx.RequestError:
            raise MaybeSent("dropped") from None
        except (httpx.InvalidURL, UnicodeError):
            raise NotNow("broken") from None

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()


async def _body(answer: httpx.Response) -> bytes:
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > _LONGEST_ANSWER:
            break
    return body[:_LONGEST_ANSWER]


def refused(answer: Answer) -> Exception:
    """What an answer that is not 2xx means, where its status is all that is known.

    A proxy's 502 and 504 tell nothing of what the gateway behind it did.
    """
    found = _STATUSES.get(answer.status)
    if found is not None:
        return found()
    return NotNow("broken" if answer.status >= 500 or answer.status < 400 else "refused")  # noqa: PLR2004 - HTTP's own classes


_STATUSES: dict[int, Callable[[], Exception]] = {
    401: lambda: NotNow("credentials"),
    402: lambda: NotNow("credit"),
    403: lambda: NotNow("credentials"),
    404: lambda: NotNow("broken"),
    405: lambda: NotNow("broken"),
    408: lambda: NotNow("busy"),
    429: lambda: NotNow("busy"),
    502: lambda: MaybeSent("dropped"),
    503: lambda: NotNow("busy"),
    504: lambda: MaybeSent("timeout"),
}


async def checked(client: HttpClient, method: str, url: str, **more: object) -> Answer:
    """Ask about credentials, where nothing can be sent: every fault is `NotNow`."""
    try:
        return await client.ask(method, url, **more)  # type: ignore[arg-type]
    except MaybeSent as fault:
        raise NotNow("slow" if fault.why == "timeout" else "away") from None


def facts_of(answer: Answer) -> dict[str, Any]:
    """The JSON object that the answer holds; empty where it holds none."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def is_reference(text: str) -> bool:
    """Whether a gateway's id of a message can stand in an address as it is."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) is not None
