"""What no dialog shows: limits, time-outs, sockets and their files, closing, log lines."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import os
import socket
import stat
import time
from pathlib import Path

import pytest

from doors.nullparts import OpenDoor, RunningDoor
from sidegate.config import TcpEndpoint, UnixEndpoint
from sidegate.doors import dovecot_client
from sidegate.doors.dovecot import CannotListen
from sidegate.doors.listeners import listen

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SECRET = "hush-hush-secret"
WAIT = 5.0


def auth(number: int, login: str, secret: str = "abcdefghijklmnop", more: str = "") -> bytes:
    message = base64.b64encode(f"\0{login}\0{secret}".encode()).decode()
    return f"AUTH\t{number}\tPLAIN\tservice=imap{more}\tresp={message}\n".encode()


async def connected(door: RunningDoor, process: int = 10) -> Streams:
    reader, writer = await door.connect(door.client)
    writer.write(f"VERSION\t1\t2\nCPID\t{process}\n".encode())
    await asyncio.wait_for(reader.readuntil(b"DONE\n"), WAIT)
    return reader, writer


async def closed(reader: asyncio.StreamReader) -> bool:
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), WAIT) == b""
    return True


# Time-outs and limits ------------------------------------------------------------


@pytest.mark.parametrize("half", [b"", b"VERS", b"VERSION\t1\t2\n", b"VERSION\t1\t2\nCPI"])
def test_half_a_handshake_ends(
    half: bytes, open_door: OpenDoor, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with open_door(handshake_timeout=0.1) as door:
            whole, _ = await connected(door)
            reader, writer = await door.connect(door.client)
            writer.write(half)
            got = await asyncio.wait_for(reader.read(), WAIT)
            assert got == b"" or got.endswith(b"DONE\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(whole.read(1), 0.2)

    asyncio.run(run())
    assert "no handshake within 0.1 s" in caplog.text


def test_a_client_that_waits_for_us_to_speak_is_greeted_once(open_door: OpenDoor) -> None:
    """Exim reads the whole greeting before it says its own."""

    async def run() -> None:
        async with open_door() as door:
            reader, writer = await door.connect(door.client)
            greeting = await asyncio.wait_for(reader.readuntil(b"DONE\n"), WAIT)
            assert greeting.startswith(b"VERSION\t1\t")
            writer.write(b"VERSION\t1\t1\nCPID\t10\n" + auth(1, "alice@example.test"))
            assert (await asyncio.wait_for(reader.readline(), WAIT)).startswith(b"OK\t1\t")

    asyncio.run(run())


def test_more_than_the_bound_waits_and_then_goes_on(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dovecot_client, "MAX_IN_FLIGHT", 4)
    monkeypatch.setattr(dovecot_client, "_RESUME_AT", 3)

    async def run() -> None:
        async with open_door() as door:
            reader, writer = await connected(door)
            for number in range(40):
                writer.write(auth(number, "slow@example.test"))
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.2)
            assert len(door.sign_in.seen) < 40
            for _ in range(40):
                assert (await asyncio.wait_for(reader.readline(), WAIT)).startswith(b"OK\t")

    asyncio.run(run())


def test_too_many_talks_are_told_to_come_later(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dovecot_client, "MAX_TALKS", 2)

    async def run() -> None:
        async with open_door() as door:
            reader, writer = await connected(door)
            for number in range(3):
                writer.write(b"AUTH\t%d\tLOGIN\tservice=imap\n" % number)
            got = [await asyncio.wait_for(reader.readline(), WAIT) for _ in range(3)]
            assert got[2] == b"FAIL\t2\tcode=temp_fail\n"

    asyncio.run(run())


def test_a_ticket_ends_with_time_and_the_oldest_goes_first(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dovecot_client, "MAX_TICKETS", 2)

    async def run() -> None:
        async with open_door() as door:
            reader, writer = await connected(door)
            for number in (1, 2, 3):
                writer.write(auth(number, "alice@example.test"))
            for _ in range(3):
                await asyncio.wait_for(reader.readline(), WAIT)
            [connection] = door.door._client_parts.clients._by_process[b"10"]
            now = asyncio.get_running_loop().time()
            assert connection.take(b"1", now) is None
            assert connection.take(b"2", now) is not None
            assert connection.take(b"2", now) is None
            assert connection.take(b"3", now + dovecot_client.TICKET_SECONDS + 1) is None

    asyncio.run(run())


def test_somebody_who_never_reads_is_read_no_further(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            _, writer = await connected(door)
            lines = b"".join(auth(number, "alice@example.test") for number in range(500))
            lines = lines.replace(b"AUTH\t", b"CANCEL\t9\nAUTH\t")
            for start in range(200):
                writer.write(lines.replace(b"AUTH\t", b"AUTH\t%d" % (start + 1)))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(writer.drain(), 0.2)
                    continue
                break
            else:
                pytest.fail("everything was read")

    asyncio.run(run())


def test_nothing_is_asked_for_a_connection_that_was_dropped(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            reader, writer = await connected(door)
            dropped = auth(1, "broken@example.test", more="\tnologin")
            writer.write(dropped + auth(2, "alice@example.test"))
            assert await closed(reader)
            assert [attempt.login for attempt in door.sign_in.seen] == ["broken@example.test"]

    asyncio.run(run())


# What reaches the decision -------------------------------------------------------


def test_the_attempt_as_it_arrived(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            reader, writer = await connected(door)
            before = int(time.time() * 1000)
            more = '\tsecured=tls\trip=203.0.113.9\tsession=s1\tclient_id="name" "Mutt"'
            writer.write(auth(1, "alice@example.test", more=more))
            await asyncio.wait_for(reader.readline(), WAIT)
            [attempt] = door.sign_in.seen
            assert attempt[:3] == ("alice@example.test", "abcdefghijklmnop", "imap")
            assert attempt[3:8] == ("203.0.113.9", "Mutt", True, "s1", "")
            assert before <= attempt.arrived <= int(time.time() * 1000)

    asyncio.run(run())


def test_the_mailboxes_learn_what_opened_a_session(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            reader, writer = await door.connect(door.client)
            writer.write(b"VERSION\t1\t2\nCPID\t10\n" + auth(1, "alice@example.test"))
            greeting = await asyncio.wait_for(reader.readuntil(b"DONE\n"), WAIT)
            cookie = greeting.split(b"COOKIE\t")[1][:32]
            await asyncio.wait_for(reader.readline(), WAIT)
            reader, writer = await door.connect(door.master)
            writer.write(b"VERSION\t1\t1\nREQUEST\t5\t10\t1\t" + cookie + b"\tsession_pid=4711\n")
            await asyncio.wait_for(reader.readuntil(b"home=/var/mail/alice\n"), WAIT)
            [start] = door.mailboxes.started
            assert (start.process_id, start.protocol) == (4711, "imap")
            assert start.verdict == door.sign_in.verdict(door.sign_in.seen[0])

    asyncio.run(run())


# The end -------------------------------------------------------------------------


def test_a_lost_connection_leaves_nothing(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            reader, writer = await connected(door)
            writer.write(auth(1, "alice@example.test") + auth(2, "slow@example.test"))
            await asyncio.wait_for(reader.readline(), WAIT)
            writer.close()
            await asyncio.sleep(0.8)
            assert door.door._client_parts.clients._by_process == {}
            assert door.door._connections == set()

    asyncio.run(run())


def test_closing_tells_whoever_waits_that_we_cannot_tell(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            door.mailboxes.slow = asyncio.Event()
            reader, writer = await connected(door)
            writer.write(auth(1, "slow@example.test") + b"AUTH\t2\tLOGIN\tservice=imap\n")
            writer.write(auth(3, "slow@example.test", more="\tnologin"))
            await asyncio.wait_for(reader.readline(), WAIT)
            master_reader, master_writer = await door.connect(door.master)
            master_writer.write(b"VERSION\t1\t1\nUSER\t7\talice@example.test\tservice=lmtp\n")
            await asyncio.wait_for(master_reader.readuntil(b"SPID"), WAIT)
            await asyncio.sleep(0.05)
            before = time.monotonic()
            await door.door.close()
            assert time.monotonic() - before < 0.5
            assert await reader.read() == b"FAIL\t1\tcode=temp_fail\nFAIL\t2\tcode=temp_fail\n"
            assert (await master_reader.read()).endswith(b"FAIL\t7\tcode=temp_fail\n")
            assert not door.client.exists()
            assert not door.master.exists()

    asyncio.run(run())


def test_closing_does_not_wait_for_somebody_who_never_reads(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            _, writer = await door.connect(door.master)
            # Nothing is read here: the lists pile up in the door.
            writer.write(b"VERSION\t1\t1\n" + b"LIST\t1\n" * 20000)
            await asyncio.sleep(0.3)
            before = time.monotonic()
            await door.door.close()
            assert time.monotonic() - before < 3

    asyncio.run(run())


# Log lines -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (auth(1, "a@example.test", SECRET)[:-1] + b"A" * 20000, "a line longer than 16384"),
        (auth(1, "a@example.test", SECRET).replace(b"AUTH\t1", b"AUTH\tone"), "no number"),
        (auth(1, "a@example.test", SECRET).replace(b"AUTH", b"ATUH"), "unknown command (ATUH)"),
        (f"{SECRET}\t1\n".encode(), "unknown command (unreadable)"),
        (auth(1, "a@example.test", f"{SECRET}\0"), "not read"),
        (auth(1, "a@example.test", SECRET).replace(b"imap", b"x\1r\1ny"), "'x y'"),
        (auth(1, "broken@example.test", SECRET), "made to fail"),
    ],
)
def test_log_lines_tell_what_happened_and_no_secret(
    sent: bytes, told: str, open_door: OpenDoor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def run() -> None:
        async with open_door() as door:
            reader, writer = await connected(door)
            writer.write(sent)
            with contextlib.suppress(TimeoutError, ConnectionError):
                await asyncio.wait_for(reader.read(1), 0.4)

    asyncio.run(run())
    assert told in caplog.text
    assert SECRET not in caplog.text
    assert base64.b64encode(SECRET.encode())[4:-4].decode() not in caplog.text


# Sockets -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o660, 0o600, 0o666])
def test_the_mode_is_the_one_asked_for_whatever_the_umask(mode: int, open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door(socket_mode=mode) as door:
            for path in (door.client, door.master):
                assert stat.S_IMODE(path.stat().st_mode) == mode

    before = os.umask(0o077)
    try:
        asyncio.run(run())
    finally:
        os.umask(before)


def _listen(endpoint: UnixEndpoint | TcpEndpoint, group: str = "") -> None:
    async def run() -> None:
        listener = await listen(endpoint, asyncio.Protocol, mode=0o660, group=group)
        await listener.close()

    asyncio.run(run())


def test_a_stale_socket_file_is_replaced(folder: Path) -> None:
    path = folder / "stale.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    _listen(UnixEndpoint(path))
    assert not path.exists()


def test_a_living_socket_is_left_alone(folder: Path) -> None:
    path = folder / "living.sock"
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        with pytest.raises(CannotListen, match="another process listens there"):
            _listen(UnixEndpoint(path))
        assert path.exists()


def test_the_socket_of_a_successor_is_not_removed(folder: Path) -> None:
    path = folder / "door.sock"

    async def run() -> None:
        first = await listen(UnixEndpoint(path), asyncio.Protocol, mode=0o660, group="")
        path.rename(folder / "old.sock")
        second = await listen(UnixEndpoint(path), asyncio.Protocol, mode=0o660, group="")
        await first.close()
        assert path.exists()
        await second.close()
        assert not path.exists()

    asyncio.run(run())


def test_what_is_no_socket_is_left_alone(folder: Path) -> None:
    path = folder / "notes.txt"
    path.write_text("mine")
    with pytest.raises(CannotListen, match="no socket"):
        _listen(UnixEndpoint(path))
    assert path.read_text() == "mine"


def test_errors_in_one_line(folder: Path) -> None:
    with pytest.raises(CannotListen, match="107 bytes, this one has"):
        _listen(UnixEndpoint(folder / ("x" * 108)))
    with pytest.raises(CannotListen, match="No such file or directory"):
        _listen(UnixEndpoint(folder / "missing" / "door.sock"))
    with pytest.raises(CannotListen, match="there is no group 'nobody-has-this'"):
        _listen(UnixEndpoint(folder / "door.sock"), group="nobody-has-this")
    with pytest.raises(CannotListen, match="loopback only"):
        _listen(TcpEndpoint("203.0.113.9", 2026))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotListen, match=f"127.0.0.1:{port}: .*address already in use"):
            _listen(TcpEndpoint("127.0.0.1", port))


def test_one_endpoint_that_fails_closes_the_others(folder: Path, open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            await door.door.close()
            endpoints = [UnixEndpoint(folder / "a.sock"), UnixEndpoint(folder / "no" / "b.sock")]
            with pytest.raises(CannotListen):
                await door.door.start(endpoints, None)
            assert not (folder / "a.sock").exists()

    asyncio.run(run())


def test_tcp_on_loopback(open_door: OpenDoor) -> None:
    async def run() -> None:
        async with open_door() as door:
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            await door.door.start([TcpEndpoint("127.0.0.1", port)], None)
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"VERSION\t1\t2\nCPID\t10\n" + auth(1, "alice@example.test"))
            got = await asyncio.wait_for(reader.readuntil(b"user=alice@example.test\n"), WAIT)
            assert got.endswith(b"OK\t1\tuser=alice@example.test\n")
            writer.close()

    asyncio.run(run())
