"""The door for Dovecot, Postfix and Exim: Dovecot's authentication protocol, served."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from sidegate.config import Endpoint
from sidegate.decisions.ports import Mailboxes, SignIn
from sidegate.doors.dovecot_client import ClientConnection, ClientParts, Clients
from sidegate.doors.dovecot_master import MasterConnection, MasterParts
from sidegate.doors.listeners import CannotListen, Listener, listen
from sidegate.doors.replies import FrontUpstreams, Replies

__all__ = ["CannotListen", "DovecotDoor"]

HANDSHAKE_SECONDS = 30.0
"""How long a connection may stay without its handshake."""

_CLOSING_SECONDS = 1.0
_LAST_WORDS_SECONDS = 0.1

_Connection = TypeVar("_Connection", ClientConnection, MasterConnection)


class DovecotDoor:
    """Serves client sockets and a master socket until it is closed.

    `refusal_delay` is in milliseconds; `SignIn` delays the refusals that it makes, and
    the door those of attempts that could not even be read.
    """

    def __init__(
        self,
        *,
        sign_in: SignIn,
        mailboxes: Mailboxes,
        now: Callable[[], int],
        refusal_text: str,
        disabled_text: str,
        refusal_delay: int,
        upstreams: FrontUpstreams | None = None,
        handshake_timeout: float = HANDSHAKE_SECONDS,
    ) -> None:
        clients = Clients()
        self._client_parts = ClientParts(
            sign_in=sign_in,
            replies=Replies(
                refusal_text=refusal_text, disabled_text=disabled_text, upstreams=upstreams
            ),
            clients=clients,
            now=now,
            refusal_delay=refusal_delay,
            numbers=itertools.count(1),
        )
        self._master_parts = MasterParts(mailboxes, clients)
        self._handshake_timeout = handshake_timeout
        self._listeners: list[Listener] = []
        self._connections: set[ClientConnection | MasterConnection] = set()

    async def start(
        self,
        client_endpoints: Sequence[Endpoint],
        master_endpoint: Endpoint | None,
        *,
        socket_mode: int = 0o660,
        socket_group: str = "",
    ) -> None:
        """Listen everywhere, or raise `CannotListen` and listen nowhere."""
        wanted: list[tuple[Endpoint, Callable[[], asyncio.Protocol]]] = [
            (endpoint, partial(self._client, str(endpoint))) for endpoint in client_endpoints
        ]
        if master_endpoint is not None:
            wanted.append((master_endpoint, partial(self._master, str(master_endpoint))))
        try:
            for endpoint, factory in wanted:
                self._listeners.append(
                    await listen(endpoint, factory, mode=socket_mode, group=socket_group)
                )
        except CannotListen:
            await self.close()
            raise

    async def close(self) -> None:
        """Listen no more, tell whoever waits that we cannot tell now, and end."""
        for listener in self._listeners:
            await listener.close()
        self._listeners.clear()
        connections = list(self._connections)
        for connection in connections:
            connection.shut()
        if connections:
            await asyncio.sleep(_LAST_WORDS_SECONDS)  # for what is asked this very moment
        for connection in connections:
            connection.drop()
        ends = [connection.ended for connection in connections]
        if ends:
            await asyncio.wait(ends, timeout=_CLOSING_SECONDS)
        for connection in connections:
            connection.abort()

    def _watched(self, connection: _Connection) -> _Connection:
        self._connections.add(connection)
        connection.ended.add_done_callback(lambda _: self._connections.discard(connection))
        return connection

    def _client(self, name: str) -> ClientConnection:
        return self._watched(
            ClientConnection(
                self._client_parts, name=name, handshake_timeout=self._handshake_timeout
            )
        )

    def _master(self, name: str) -> MasterConnection:
        return self._watched(
            MasterConnection(
                self._master_parts, name=name, handshake_timeout=self._handshake_timeout
            )
        )
