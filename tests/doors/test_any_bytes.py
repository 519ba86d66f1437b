"""Whatever bytes arrive on either socket, in whatever pieces: no exception, no second answer."""

from __future__ import annotations

import asyncio
import itertools
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from doors.nullparts import NullMailboxes, NullSignIn
from sidegate.doors.dovecot_client import ClientConnection, ClientParts, Clients
from sidegate.doors.dovecot_master import MasterConnection, MasterParts
from sidegate.doors.replies import Replies
from sidegate.doors.stream import LineConnection

HANDSHAKE = b"VERSION\t1\t2\nCPID\t10\n"
PIECES = st.sampled_from(
    [b"AUTH\t1\tPLAIN\tservice=imap", b"AUTH\t2\tLOGIN\tservice=imap", b"\tresp=AGEAYg==", b"\n",
     b"CONT\t2\tYQ==\n", b"CANCEL\t1\n", b"REQUEST\t1\t10\t1\t00\n", b"USER\t1\ta\n", b"LIST\t1\n",
     b"PASS\t2\ta\n", b"CACHE-FLUSH\t3\n", b"\1", b"\t", b"\xff", b"\0"]
)  # fmt: skip
CHUNKS = st.lists(st.lists(PIECES | st.binary(max_size=50)).map(b"".join), max_size=8)


def _connection(kind: str) -> LineConnection:
    clients = Clients()
    if kind == "master":
        return MasterConnection(
            MasterParts(NullMailboxes(), clients), name="master", handshake_timeout=1
        )
    parts = ClientParts(
        sign_in=NullSignIn(refusal_delay=0),
        replies=Replies(refusal_text="No.", disabled_text="Disabled."),
        clients=clients,
        now=lambda: 0,
        refusal_delay=0,
        numbers=itertools.count(1),
    )
    return ClientConnection(parts, name="client", handshake_timeout=1)


@given(kind=st.sampled_from(["client", "master"]), greeted=st.booleans(), chunks=CHUNKS)
def test_any_bytes(kind: str, *, greeted: bool, chunks: list[bytes]) -> None:
    async def run() -> bytes:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: faults.append(told))
        transport = mock.create_autospec(asyncio.Transport, instance=True)
        connection = _connection(kind)
        connection.connection_made(transport)
        for chunk in [HANDSHAKE] * greeted + chunks:
            if not transport.close.called:
                connection.data_received(chunk)
        for _ in range(5):
            await asyncio.sleep(0)
        connection.connection_lost(None)
        await asyncio.sleep(0)
        assert not faults
        return b"".join(call.args[0] for call in transport.write.call_args_list)

    written = asyncio.run(run())
    assert written == b"" or written.endswith(b"\n")
    if kind == "client":
        answers = written.count(b"OK\t1\t") + written.count(b"FAIL\t1\t")
        assert answers <= b"".join(chunks).count(b"AUTH\t1\t")
