"""A request's body, read with limits."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

BODY_SECONDS = 10.0


class Wrong(Exception):  # noqa: N818 - what the request is
    """Why a request cannot be answered: the status, and a text without anything it sent."""

    def __init__(self, status: int, text: str, *, ends: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.ends = ends
        """What is still to come of the request is not read: the connection ends."""

    @property
    def headers(self) -> dict[str, str]:
        """Those of its answer."""
        return {"Connection": "close"} if self.ends else {}


async def body_of(request: Request, *kinds: str, most: int) -> bytes:
    """The body, where it is of one of these kinds and not too long; raises `Wrong`."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in kinds:
        raise Wrong(415, f"Send a body of Content-Type {' or '.join(kinds)}.")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise Wrong(413, f"The body is longer than {most} bytes.", ends=True)
    except TimeoutError:
        raise Wrong(408, "The body did not come in time.", ends=True) from None
    except ClientDisconnect:
        raise Wrong(400, "The body is not whole.") from None
    return bytes(body)
