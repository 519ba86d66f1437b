"""What counts of baresip's SIP trace, line by line."""

from __future__ import annotations

import pytest

from sidegate.senders.sip_trace import Heard, Trace

SERVER, CALLEE = "sip:sip.example.test", "sip:+37120000007@sip.example.test"


def sip(start: str, call: str = "our-call", sequence: str = "7 INVITE", more: str = "") -> str:
    above = "\033[36;1m#\nUDP 192.0.2.1:4 -> 192.0.2.2:5"
    return f"{above}\n{start}\nCall-ID: {call}\n{more}CSeq: {sequence}\n\n"


INVITE = sip(f"INVITE {CALLEE} SIP/2.0")
SIGNED = "Proxy-Authorization: Digest username=me\n"
REGISTER = f"REGISTER {SERVER} SIP/2.0"


@pytest.mark.parametrize(
    ("printed", "heard"),
    [
        (INVITE, []),
        (INVITE + sip("SIP/2.0 180 Ringing"), [Heard("INVITE", 180)]),
        (INVITE + sip("SIP/2.0 486 Busy Here"), [Heard("INVITE", 486)]),
        (INVITE + sip("SIP/2.0 200 OK", sequence="8 BYE"), [Heard("BYE", 200)]),
        (INVITE + sip("BYE sip:me@192.0.2.1 SIP/2.0", sequence="3 BYE"), [Heard("BYE")]),
        (INVITE + sip("INFO sip:me@192.0.2.1 SIP/2.0", sequence="3 INFO"), []),
        ("received event: '1' (end=0)\nreceived event: '1' (end=1)\n", [Heard("KEY")]),
        # The first challenge is answered by itself; one to our credentials is a refusal.
        (INVITE + sip("SIP/2.0 407 Auth"), []),
        (
            INVITE
            + sip(f"INVITE {CALLEE} SIP/2.0", sequence="8 INVITE", more=SIGNED)
            + sip("SIP/2.0 407 Auth", sequence="8 INVITE"),
            [Heard("INVITE", 407)],
        ),
        (
            sip(REGISTER, "r", "1 REGISTER") + sip("SIP/2.0 200 OK", "r", "1 REGISTER"),
            [Heard("REGISTER", 200)],
        ),
        # What somebody else sends us is nothing of ours.
        (sip("SIP/2.0 200 OK"), []),
        (INVITE + sip("SIP/2.0 486 Busy Here", call="guessed"), []),
        (INVITE + sip("BYE sip:me@192.0.2.1 SIP/2.0", call="guessed", sequence="3 BYE"), []),
        (sip("INVITE sip:me@192.0.2.1 SIP/2.0", "x") + sip("SIP/2.0 486 Busy Here", "x"), []),
        # Neither the lines of a body nor those that are cut off.
        (INVITE + "SIP/2.0 200\nv=0\n\n", []),
        (INVITE + "SIP/2.0 200 OK\nCall-ID: our-call\n", []),
    ],
)  # fmt: skip
def test_only_our_own_call_is_heard(printed: str, heard: list[Heard]) -> None:
    trace = Trace((SERVER, CALLEE))
    found = [trace.heard(line) for line in printed.splitlines()]
    assert [one for one in found if one is not None] == heard
