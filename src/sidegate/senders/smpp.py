"""An SMS centre by SMPP 3.4: one session for all messages, kept from the first one on.

A message that is longer than one SMS goes as parts with a user data header. Delivery
receipts are asked for, and heard on the same session; it is opened again after it broke.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

from smpplib import consts

from sidegate.config import TcpEndpoint, parse_endpoint
from sidegate.config.gateways import Smpp
from sidegate.senders.gateway import (
    Delivery,
    MaybeSent,
    Message,
    NotNow,
    NotNowWhy,
    NotReachable,
    Receipt,
    Sent,
)
from sidegate.senders.smpp_link import Broken, Link, Pdu
from sidegate.wire import sms

PATIENCE = 40.0
"""Seconds: connecting, binding and the answer, each in its own time."""
ENQUIRE_AFTER = 30.0
"""Seconds of silence after which the centre is asked whether it is there."""
_SURE_FOR = 10.0
"""A session that was silent for longer is asked before a code is handed to it."""
_ENQUIRE_PATIENCE = 5.0
_PAUSES = (1.0, 2.0, 5.0, 15.0, 30.0, 60.0)
"""Seconds before it is tried again to open a session that broke."""
_MOST_REFERENCES = 1000

_UNKNOWN = frozenset(
    {
        consts.SMPP_ESME_RINVDSTADR,
        consts.SMPP_ESME_RINVDSTTON,
        consts.SMPP_ESME_RINVDSTNPI,
    }
)
_WHY: dict[int, NotNowWhy] = {
    consts.SMPP_ESME_RTHROTTLED: "busy",
    consts.SMPP_ESME_RMSGQFUL: "busy",
    consts.SMPP_ESME_RX_T_APPN: "busy",
    consts.SMPP_ESME_RALYBND: "busy",
    consts.SMPP_ESME_RBINDFAIL: "credentials",
    consts.SMPP_ESME_RINVPASWD: "credentials",
    consts.SMPP_ESME_RINVSYSID: "credentials",
    consts.SMPP_ESME_RINVSYSTYP: "credentials",
    consts.SMPP_ESME_RINVBNDSTS: "away",
    consts.SMPP_ESME_RSYSERR: "broken",
}
"""What a status means; any other: refused."""
_STATES: dict[int, Delivery] = {2: "delivered", 3: "failed", 4: "failed", 5: "failed", 8: "failed"}
"""`message_state` (SMPP 3.4, 5.2.28); the others may still change."""
_WORDS: dict[str, Delivery] = {
    "DELIVRD": "delivered",
    "EXPIRED": "failed",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "REJECTD": "failed",
}
"""The same in the text of a receipt (SMPP 3.4, appendix B)."""
_RECEIPT = re.compile(rb"id:(\S+) .*?stat:(\w{1,7})", re.DOTALL | re.IGNORECASE)
_IS_RECEIPT = 0x04


class SmppGateway:
    """Hands messages to one SMS centre."""

    patience = PATIENCE

    def __init__(self, name: str, options: Smpp, receipt: Receipt) -> None:
        self.name = name
        self._options = options
        self._server = cast("TcpEndpoint", parse_endpoint(options.server, Path("/")))
        self._receipt = receipt
        self._tls = ssl.create_default_context() if options.tls else None
        self._link: Link | None = None
        self._opening = asyncio.Lock()
        self._keeping: asyncio.Task[None] | None = None
        self._count = 0
        self._sending = 0
        self._heard: list[tuple[str, Delivery]] = []
        self._references: OrderedDict[str, str] = OrderedDict()

    async def send(self, message: Message) -> Sent:
        """Hand it over; raises `NotNow`, `NotReachable`, `MaybeSent`."""
        link = await self._ready()
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())
        self._sending += 1
        try:
            return self._judged(await self._submit(link, message))
        finally:
            self._sending -= 1
            self._tell()

    async def check(self) -> str | None:
        """Bind; raises `NotNow`."""
        await self._ready()
        return "it was bound to as a transceiver"

    async def close(self) -> None:
        """Take leave of the centre."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])
        if self._link is not None:
            await self._link.close()

    # ---- The session.

    async def _ready(self) -> Link:
        """A session that somebody is surely at the other end of."""
        async with self._opening:
            link = self._link
            if link is not None and link.is_open and await _answers(link):
                return link
            self._link = await self._bound()
            return self._link

    async def _bound(self) -> Link:
        server, link = self._server, None
        try:
            link = await Link.open(
                server.host, server.port, tls=self._tls, delivered=self._delivered
            )
            answer = await link.ask(
                "bind_transceiver",
                system_id=self._options.system_id,
                password=self._options.password,
                system_type=self._options.system_type,
                interface_version=0x34,
            )
        except TimeoutError:
            if link is not None:
                link.drop()
            raise NotNow("slow") from None
        except (OSError, Broken):
            raise NotNow("away") from None
        if answer.is_error():
            link.drop()
            raise NotNow(_WHY.get(answer.status, "refused"))
        return link

    async def _keep(self) -> None:
        """Keep a session open, for receipts, until the centre does not know us any more."""
        failed = 0
        while True:
            try:
                link = await self._ready()
                failed = 0
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ENQUIRE_AFTER):
                        await link.ended()
            except NotNow as fault:
                if fault.why == "credentials":
                    return
                await asyncio.sleep(_PAUSES[min(failed, len(_PAUSES) - 1)])
                failed += 1

    # ---- One message.

    async def _submit(self, link: Link, message: Message) -> list[Pdu | BaseException]:
        """Hand all parts over; their answers in the same order."""
        coding, esm_class, parts = self._parts(message.text)
        fields = _source(self._options.sender) | {
            "dest_addr_ton": consts.SMPP_TON_INTL,
            "dest_addr_npi": consts.SMPP_NPI_ISDN,
            "destination_addr": message.number.lstrip("+"),
            "esm_class": esm_class,
            "data_coding": coding,
            "registered_delivery": consts.SMPP_SMSC_DELIVERY_RECEIPT_BOTH,
        }
        asked = (link.ask("submit_sm", **fields, short_message=part) for part in parts)
        return await asyncio.gather(*asked, return_exceptions=True)

    def _parts(self, text: str) -> tuple[int, int, tuple[bytes, ...]]:
        """data_coding, esm_class and the parts."""
        self._count = (self._count + 1) % 256
        gsm, parts = sms.encode(text, reference=self._count)
        if gsm and self._options.alphabet == "latin-1" and len(parts) == 1:
            with contextlib.suppress(UnicodeEncodeError):
                return consts.SMPP_ENCODING_DEFAULT, 0, (text.encode("latin-1"),)
        coding = consts.SMPP_ENCODING_DEFAULT if gsm else consts.SMPP_ENCODING_ISO10646
        return coding, consts.SMPP_GSMFEAT_UDHI if len(parts) > 1 else 0, parts

    def _judged(self, answers: list[Pdu | BaseException]) -> Sent:
        """The answers to all parts as one."""
        taken = [one for one in answers if not isinstance(one, BaseException) and one.status == 0]
        for answer in answers:
            if isinstance(answer, TimeoutError):
                raise MaybeSent("timeout") from None
            if isinstance(answer, Broken):
                raise MaybeSent("dropped") from None
            if isinstance(answer, BaseException):
                raise answer
            if answer.status != 0:
                if taken:
                    raise MaybeSent("dropped") from None
                raise _refused(answer.status) from None
        references = [_text(one.message_id) for one in taken]
        for reference in references:
            self._remember(reference, references[-1])
        return Sent(references[-1])

    # ---- Receipts.

    def _remember(self, reference: str, whole: str) -> None:
        """Know a part's receipt, also where a centre writes its hexadecimal ids in decimal."""
        for written in dict.fromkeys((reference, _in_decimal(reference))):
            self._references[written] = whole
        while len(self._references) > _MOST_REFERENCES:
            self._references.popitem(last=False)

    def _delivered(self, pdu: Pdu) -> None:
        found = _receipt_in(pdu)
        if found is not None:
            self._heard.append(found)
            self._tell()

    def _tell(self) -> None:
        """Tell of receipts, but not while a send may not know yet what they are of."""
        while self._heard and not self._sending:
            written, became = self._heard.pop(0)
            whole = self._references.get(written, written)  # an earlier process may know it
            if became == "failed" or written in (whole, _in_decimal(whole)):
                self._receipt(whole, became)


async def _answers(link: Link) -> bool:
    """Whether the other end is there; a session on which nobody answers is dropped."""
    if link.quiet_for < _SURE_FOR:
        return True
    try:
        await link.ask("enquire_link", patience=_ENQUIRE_PATIENCE)
    except (Broken, TimeoutError):
        link.drop()
        return False
    return True


def _source(sender: str) -> dict[str, Any]:
    """Whom a message is from: a number in E.164, a short code, or a name."""
    digits = sender.lstrip("+")
    if not digits.isdigit():
        kind = (consts.SMPP_TON_ALNUM, consts.SMPP_NPI_UNK)
    elif sender.startswith("+"):
        kind = (consts.SMPP_TON_INTL, consts.SMPP_NPI_ISDN)
    else:
        kind = (consts.SMPP_TON_UNK, consts.SMPP_NPI_ISDN)
    return {
        "source_addr_ton": kind[0],
        "source_addr_npi": kind[1],
        "source_addr": digits,
    }


def _refused(status: int) -> Exception:
    if status in _UNKNOWN:
        return NotReachable("unknown-number")
    return NotNow(_WHY.get(status, "refused"))


def _receipt_in(pdu: Pdu) -> tuple[str, Delivery] | None:
    """Which message it tells of, and what became of it; `None` where it is no final receipt."""
    if not pdu.esm_class & _IS_RECEIPT:
        return None
    found = _RECEIPT.search(cast("bytes", pdu.short_message or b""))
    reference = _text(pdu.receipted_message_id) or (_text(found[1]) if found else "")
    became = _STATES.get(pdu.message_state)
    if became is None and found:
        became = _WORDS.get(_text(found[2]).upper())
    return (reference, became) if reference and became else None


def _in_decimal(reference: str) -> str:
    """A hexadecimal id as a number; one without letters may be no hexadecimal one."""
    if reference.isdigit() or not re.fullmatch(r"[0-9A-Fa-f]+", reference):
        return reference
    return str(int(reference, 16))


def _text(raw: bytes | None) -> str:
    return (raw or b"").rstrip(b"\0").decode("ascii", errors="replace")[:64]
