"""A real SMS centre by SMPP: texts, answers, receipts, and every way a session can break."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from child import free_ports
from senders.saying import ENGLISH, LATVIAN, LINE, NUMBER, Told, message
from senders.smsc import PASSWORD, SYSTEM_ID, Event, Smsc, running_smsc
from sidegate.config.gateways import Smpp
from sidegate.senders import smpp, smpp_link
from sidegate.senders.gateway import MaybeSent, NotNow, NotReachable, Sent, Trouble
from sidegate.senders.smpp import SmppGateway


@pytest.fixture(scope="module")
def running() -> Iterator[Smsc]:
    with running_smsc() as smsc:
        yield smsc


@pytest.fixture
def centre(running: Smsc) -> Smsc:
    running.order()
    return running


@asynccontextmanager
async def gateway(
    port: int, told: Told | None = None, *, password: str = PASSWORD, **more: object
) -> AsyncIterator[SmppGateway]:
    wanted = {"server": f"127.0.0.1:{port}", "system_id": SYSTEM_ID, "sender": "Example"} | more
    made = SmppGateway("mine", Smpp(password=password, **wanted), told or Told())  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.close()


async def event(centre: Smsc, name: str) -> Event:
    return await asyncio.to_thread(centre.wait, name)


def sent(centre: Smsc, text: str, **more: object) -> tuple[Sent, list[Event]]:
    async def sending() -> Sent:
        async with gateway(centre.port, **more) as mine:  # type: ignore[arg-type]
            return await mine.send(message(text))

    before = len(centre.submitted())
    answer = asyncio.run(sending())
    centre.wait("unbind")  # then it has said everything
    return answer, centre.submitted()[before:]


@pytest.mark.parametrize(
    ("text", "coding"),
    [(ENGLISH, 0), (LATVIAN, 8), ("€ [Zürich] 918273\n\n" + LINE, 0)],
    ids=["gsm", "ucs-2", "extension"],
)
def test_a_text_arrives_in_one_sms(centre: Smsc, text: str, coding: int) -> None:
    answer, (arrived,) = sent(centre, text)
    assert (arrived["text"], arrived["coding"]) == (text, coding)
    assert (arrived["to"], arrived["to_ton"], arrived["to_npi"]) == (NUMBER[1:], 1, 1)
    assert arrived["registered"] == 1
    assert answer == Sent(arrived["id"])


@pytest.mark.parametrize(
    ("text", "coding"), [("a" * 150 + ENGLISH, 0), ("ž" * 70 + LATVIAN, 8)], ids=["gsm", "ucs-2"]
)
def test_a_long_text_arrives_in_parts_of_one_message(centre: Smsc, text: str, coding: int) -> None:
    _answer, parts = sent(centre, text)
    assert [part["coding"] for part in parts] == [coding] * 2
    assert [part["esm_class"] for part in parts] == [0x40] * 2
    assert "".join(part["text"] for part in parts) == text
    headers = [part["udh"][0] for part in parts]
    assert [header[-4:] for header in headers] == ["0201", "0202"]
    assert headers[0][:-4] == headers[1][:-4]


@pytest.mark.parametrize(
    ("sender", "arrives"),
    [
        ("Example", ("Example", 5, 0)),
        ("+37120000001", ("37120000001", 1, 1)),
        ("1860", ("1860", 0, 1)),
    ],
)
def test_the_sender_is_said_by_its_kind(
    centre: Smsc, sender: str, arrives: tuple[str, int, int]
) -> None:
    _answer, (got,) = sent(centre, ENGLISH, sender=sender)
    assert (got["from"], got["from_ton"], got["from_npi"]) == arrives


def test_a_centre_may_take_its_default_alphabet_for_latin_1(centre: Smsc) -> None:
    _answer, (got,) = sent(centre, ENGLISH, alphabet="latin-1")
    # The centre of the tests reads GSM: 0x40 is the @ of Latin-1 and the ¡ of GSM.
    assert got["text"] == ENGLISH.replace("@", "¡")


def test_one_session_serves_many_sends_and_takes_leave(centre: Smsc) -> None:
    seen = len(centre.seen)

    async def sending() -> None:
        async with gateway(centre.port) as mine:
            await asyncio.gather(*(mine.send(message()) for _ in range(5)))
        await event(centre, "unbind")

    asyncio.run(sending())
    names = [one["event"] for one in centre.seen[seen:]]
    assert (names.count("bind"), names.count("submit")) == (1, 5)


# ---- Receipts.


@pytest.mark.parametrize(
    ("receipt", "became"),
    [("delivered", "delivered"), ("failed", "failed"), ("expired", "failed")],
)
@pytest.mark.parametrize(
    "style",
    [{}, {"tlv": True}, {"hexId": True}, {"receiptTwice": True}, {"receiptDelay": 700}],
    ids=["text", "tlv", "decimal-of-hex", "twice", "late"],
)
def test_a_receipt_is_told_by_its_reference(
    centre: Smsc, receipt: str, became: str, style: dict[str, object]
) -> None:
    async def sending() -> None:
        told = Told()
        async with gateway(centre.port, told) as mine:
            await asyncio.to_thread(centre.order, receipt=receipt, **style)
            answer = await mine.send(message())
            assert set(await told.wait()) == {(answer.reference, became)}

    asyncio.run(sending())


def test_of_a_long_message_the_last_part_counts_and_any_failure(centre: Smsc) -> None:
    async def sending(receipt: str) -> tuple[str, Told]:
        told = Told()
        async with gateway(centre.port, told) as mine:
            await asyncio.to_thread(centre.order, receipt=receipt)
            answer = await mine.send(message("a" * 200))
            await event(centre, "receipt-answered")
            await event(centre, "receipt-answered")
        return answer.reference, told

    reference, told = asyncio.run(sending("delivered"))
    assert told.receipts == [(reference, "delivered")]
    reference, told = asyncio.run(sending("failed"))
    assert told.receipts == [(reference, "failed")] * 2


def test_a_receipt_that_never_comes_and_one_that_tells_nothing_are_not_told(centre: Smsc) -> None:
    async def sending() -> Told:
        told = Told()
        async with gateway(centre.port, told) as mine:
            await mine.send(message())
            await asyncio.to_thread(centre.order, receipt="accepted")
            await mine.send(message())
            await event(centre, "receipt-answered")
            said = {"esm_class": 0, "short_message": "id:1 stat:DELIVRD", "source_addr": "1"}
            await asyncio.to_thread(centre.order, deliver=said)
            await event(centre, "receipt-answered")
        return told

    assert asyncio.run(sending()).receipts == []


def test_a_receipt_of_an_earlier_process_is_handed_on(centre: Smsc) -> None:
    async def hearing() -> None:
        told = Told()
        async with gateway(centre.port, told) as mine:
            await mine.check()
            said = {"esm_class": 4, "short_message": "id:old-1 sub:001 stat:DELIVRD err:000"}
            await asyncio.to_thread(centre.order, deliver=said)
            assert await told.wait() == [("old-1", "delivered")]

    asyncio.run(hearing())


# ---- Faults.


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (0x58, NotNow("busy")),
        (0x14, NotNow("busy")),
        (0x64, NotNow("busy")),
        (0x0B, NotReachable("unknown-number")),
        (0x08, NotNow("broken")),
        (0x45, NotNow("refused")),
    ],
    ids=["throttled", "queue-full", "try-later", "invalid-destination", "system-error", "other"],
)
def test_what_the_answer_means(centre: Smsc, status: int, answer: Trouble) -> None:
    centre.order(status=status)
    with pytest.raises(type(answer), match=answer.why):
        sent(centre, ENGLISH)


@pytest.mark.parametrize(
    ("statuses", "answer"),
    [([0, 0x45], MaybeSent("dropped")), ([0x0B, 0x0B], NotReachable("unknown-number"))],
    ids=["the-second-part", "both"],
)
def test_a_message_of_which_a_part_was_refused(
    centre: Smsc, statuses: list[int], answer: Trouble
) -> None:
    centre.order(statuses=statuses)
    with pytest.raises(type(answer), match=answer.why):
        sent(centre, "a" * 200)


def test_a_wrong_password_is_told_and_not_tried_again(centre: Smsc) -> None:
    before = len(centre.seen)

    async def trying() -> None:
        async with gateway(centre.port, password="wrong") as mine:
            with pytest.raises(NotNow, match="credentials"):
                await mine.send(message())
            with pytest.raises(NotNow, match="credentials"):
                await mine.check()

    asyncio.run(trying())
    centre.order()
    assert [one["event"] for one in centre.seen[before:]].count("bind") == 2


def test_binding_proves_the_credentials(centre: Smsc) -> None:
    async def checking() -> str | None:
        async with gateway(centre.port) as mine:
            return await mine.check()

    assert asyncio.run(checking()) == "it was bound to as a transceiver"


def test_a_centre_that_is_down_has_surely_sent_nothing() -> None:
    async def trying() -> None:
        async with gateway(free_ports(1)[0]) as mine:
            with pytest.raises(NotNow, match="away"):
                await mine.send(message())

    asyncio.run(trying())


def test_a_bind_without_an_answer_is_slow_and_sends_nothing(
    centre: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_link, "ANSWERING", 0.3)
    centre.order(silent=True)
    with pytest.raises(NotNow, match="slow"):
        sent(centre, ENGLISH)


def test_a_send_without_an_answer_is_neither_sent_nor_not(
    centre: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp_link, "ANSWERING", 0.5)

    async def sending() -> None:
        async with gateway(centre.port) as mine:
            await mine.check()
            await asyncio.to_thread(centre.order, silent=True)
            with pytest.raises(MaybeSent, match="timeout"):
                await mine.send(message())
            await asyncio.to_thread(centre.order)

    asyncio.run(sending())


def test_a_bind_dropped_after_the_code_was_handed_over(centre: Smsc) -> None:
    async def sending() -> None:
        async with gateway(centre.port) as mine:
            await mine.check()
            await asyncio.to_thread(centre.order, drop=True)
            with pytest.raises(MaybeSent, match="dropped"):
                await mine.send(message())
            await asyncio.to_thread(centre.order)
            assert (await mine.send(message())).reference

    asyncio.run(sending())


def test_an_answer_given_twice_counts_once(centre: Smsc) -> None:
    async def sending() -> list[str]:
        async with gateway(centre.port) as mine:
            await asyncio.to_thread(centre.order, answers=2)
            return [(await mine.send(message())).reference for _ in range(3)]

    before = len(centre.submitted())
    references = asyncio.run(sending())
    centre.wait("unbind")
    assert references == [one["id"] for one in centre.submitted()[before:]]


def test_a_session_that_broke_is_opened_again_for_receipts(
    centre: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp, "_PAUSES", (0.05,))

    async def sending() -> None:
        told = Told()
        async with gateway(centre.port, told) as mine:
            answer = await mine.send(message())
            await asyncio.to_thread(centre.order, dropAll=True)
            await event(centre, "bind")
            said = {"esm_class": 4, "short_message": f"id:{answer.reference} stat:DELIVRD err:000"}
            await asyncio.to_thread(centre.order, deliver=said)
            assert await told.wait() == [(answer.reference, "delivered")]

    asyncio.run(sending())


def test_a_quiet_session_is_asked_before_a_code_is_handed_to_it(
    centre: Smsc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp, "_SURE_FOR", 0.0)
    monkeypatch.setattr(smpp, "_ENQUIRE_PATIENCE", 0.3)

    async def sending() -> None:
        async with gateway(centre.port) as mine:
            await mine.check()
            await mine.send(message())
            await event(centre, "enquire")
            await asyncio.to_thread(centre.order, silent=True)
            monkeypatch.setattr(smpp_link, "ANSWERING", 0.3)
            with pytest.raises(NotNow, match="slow"):  # neither that session answers nor a new one
                await mine.send(message())

    before = len(centre.submitted())
    asyncio.run(sending())
    centre.order()
    assert len(centre.submitted()) == before + 1


def test_who_is_no_centre_is_told_apart() -> None:
    async def trying() -> None:
        async def nonsense(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
        async with server, gateway(server.sockets[0].getsockname()[1]) as mine:
            with pytest.raises(NotNow, match="away"):
                await mine.send(message())

    asyncio.run(trying())


# ---- TLS.


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "authority.pem")
    return made


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "unknown"])
@pytest.mark.parametrize("host", ["127.0.0.1", "smsc.example.test"], ids=["its-name", "another"])
def test_tls_is_verified(
    tmp_path: Path,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    trusted: bool,  # noqa: FBT001 - a table
    host: str,
) -> None:
    certificate = authority.issue_cert(host)
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))

    async def sending(port: int) -> Sent:
        async with gateway(port, tls=True) as mine:
            return await mine.send(message())

    with running_smsc(certificate=tmp_path / "certificate.pem", key=tmp_path / "key.pem") as centre:
        if trusted and host == "127.0.0.1":
            assert asyncio.run(sending(centre.port)).reference
            return
        with pytest.raises(NotNow, match="away"):
            asyncio.run(sending(centre.port))
        assert centre.submitted() == []
