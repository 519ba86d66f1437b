"""The operator's Dovecot told to end sessions, by doveadm's HTTP API."""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Iterable, Sequence
from typing import Any

import httpx

from sidegate.decisions.ports import Unavailable

PATIENCE = 3.0
"""Seconds for one answer."""
_NOBODY = 68
"""Exit code of `kick` (sysexits.h, EX_NOHOST) where there is no such session."""
_WILDCARDS = "*?"


class Doveadm:
    """Asks at one address: `unix:/path`, `http://host:port` or `https://host:port`.

    Methods raise `Unavailable` where it does not answer or does not do what it was told.
    """

    def __init__(self, *, url: str, api_key: str) -> None:
        self.url = url
        self._api_key = api_key

    async def sessions(self) -> dict[int, str]:
        """Every open session: its process, and whose it is by Dovecot's name for her."""
        answer = await self._ask([["who", {"separateConnections": True}, "who"]])
        try:
            rows = next(body for kind, body, _ in answer if kind == "doveadmResponse")
            return {int(row["pid"]): str(row["username"]) for row in rows}
        except (StopIteration, KeyError, TypeError, ValueError):
            raise Unavailable("doveadm does not say who is there") from None

    async def kick(self, users: Iterable[str]) -> None:
        """End every session of these users; of one who has none there is nothing to end."""
        names = sorted(users)
        if wide := [name for name in names if not _means_one(name)]:
            raise Unavailable(f"doveadm would take {wide[0]!r} for more than one user")
        commands = [["kick", {"mask": [name]}, str(at)] for at, name in enumerate(names)]
        for answer in await self._ask(commands) if commands else []:
            if answer[0] != "doveadmResponse" and not _had_none(answer):
                raise Unavailable("doveadm did not end a session")

    async def _ask(self, commands: Sequence[Any]) -> list[list[Any]]:
        key = base64.b64encode(self._api_key.encode()).decode()
        path = self.url.removeprefix("unix:")
        local = path != self.url
        # Of the environment nothing counts: a proxy there is not for this.
        transport = httpx.AsyncHTTPTransport(uds=path if local else None, trust_env=False)
        try:
            async with httpx.AsyncClient(transport=transport, timeout=PATIENCE) as client:
                answer = await client.post(
                    f"{'http://localhost' if local else self.url}/doveadm/v1",
                    content=json.dumps(commands),
                    headers={
                        "Authorization": f"X-Dovecot-API {key}",
                        "Content-Type": "application/json",
                    },
                )
                answer.raise_for_status()
                found = answer.json()
        except httpx.HTTPStatusError as problem:
            raise Unavailable(f"doveadm answers {problem.response.status_code}") from None
        except (httpx.HTTPError, OSError, ValueError) as problem:
            raise Unavailable(f"doveadm: {str(problem) or type(problem).__name__}") from None
        if not isinstance(found, list) or not all(_is_answer(one) for one in found):
            raise Unavailable("doveadm does not answer in its own way")
        return found


def _is_answer(one: object) -> bool:
    return isinstance(one, list) and len(one) == 3  # noqa: PLR2004 - kind, body, tag


def _had_none(answer: list[Any]) -> bool:
    return isinstance(answer[1], dict) and answer[1].get("exitCode") == _NOBODY


def _means_one(name: str) -> bool:
    """`kick` takes a mask: with wildcards it is many users, and a network is whoever is in it."""
    if not name or any(one in name for one in _WILDCARDS):
        return False
    try:
        ipaddress.ip_network(name, strict=False)
    except ValueError:
        return True
    return False
