"""Hands a message to Dovecot's LMTP, and says honestly who has it now."""

from __future__ import annotations

import re
import smtplib
from pathlib import Path
from typing import NamedTuple

from sidegate.decisions.ports import NotTaken, Unavailable

PATIENCE = 60.0
"""Seconds to wait for any one answer."""

_EOL = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"^\.", re.MULTILINE)

AWAY = "451 4.3.0 the mailboxes cannot be reached now; try again later"


class Outcome(NamedTuple):
    """What LMTP answered for one recipient."""

    code: int
    text: str

    @property
    def delivered(self) -> bool:
        """Whether the message is in the mailbox."""
        return 200 <= self.code < 300  # noqa: PLR2004 - SMTP's classes of replies

    @property
    def temporary(self) -> bool:
        """Whether the same may work later."""
        return not self.delivered and self.code < 500  # noqa: PLR2004 - the same


_NO_ANSWER = Outcome(451, "no answer")


class LmtpSender:
    """Implements `decisions.ports.MailSender` by the private Dovecot's LMTP."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def send(self, *, to: str, content: bytes) -> None:
        """Deliver a message; raises `Unavailable` (try later) or `NotTaken`."""
        # Nobody gets a bounce of it (RFC 3834, 3.3).
        answer = hand_over(self._socket, sender="", recipients=[to], content=content)
        if answer.startswith("5"):
            raise NotTaken(answer)
        if not answer.startswith("2"):
            raise Unavailable(answer)


def hand_over(socket: Path, *, sender: str, recipients: list[str], content: bytes) -> str:
    """Deliver to all recipients and return the SMTP reply that tells the truth. Blocks.

    Where any recipient is refused before the message was sent, nobody gets it.
    """
    outcomes = dict.fromkeys(recipients, _NO_ANSWER)
    try:
        with smtplib.LMTP(str(socket), local_hostname="localhost", timeout=PATIENCE) as lmtp:
            if _addressed(lmtp, sender, outcomes):
                _send(lmtp, content, outcomes)
    except (OSError, smtplib.SMTPException):
        # Whoever has no answer yet stays without one: tried again, at worst delivered twice.
        pass
    return reply(outcomes)


def reply(outcomes: dict[str, Outcome]) -> str:
    """One SMTP reply for several outcomes: 250 only where everybody has the message."""
    delivered = [name for name, outcome in outcomes.items() if outcome.delivered]
    missing = [name for name, outcome in outcomes.items() if not outcome.delivered]
    if not missing:
        return "250 2.0.0 delivered"
    temporary = any(outcome.temporary for outcome in outcomes.values())
    if not delivered:
        return AWAY if temporary else f"550 5.2.0 refused by the mailbox of {_list(missing)}"
    code = "451 4.3.0" if temporary else "554 5.2.0"
    return f"{code} delivered to {_list(delivered)}, but NOT to {_list(missing)}"


def _list(names: list[str]) -> str:
    shown = ", ".join(name.encode("ascii", "replace").decode() for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"  # noqa: PLR2004


def _addressed(lmtp: smtplib.LMTP, sender: str, outcomes: dict[str, Outcome]) -> bool:
    """Say who gets it; True where everybody may."""
    lmtp.ehlo("localhost")
    code, text = lmtp.mail(sender, ["BODY=8BITMIME"])
    if not Outcome(code, "").delivered:
        outcomes.update(dict.fromkeys(outcomes, _outcome(code, text)))
        return False
    answers = {name: _outcome(*lmtp.rcpt(name)) for name in outcomes}
    if all(answer.delivered for answer in answers.values()):
        return True
    # Accepted as a recipient is not delivered: nothing was sent.
    outcomes.update({name: answer for name, answer in answers.items() if not answer.delivered})
    if not any(answer.temporary for answer in answers.values()):
        for name, answer in answers.items():
            if answer.delivered:
                del outcomes[name]
    return False


def _send(lmtp: smtplib.LMTP, content: bytes, outcomes: dict[str, Outcome]) -> None:
    """Send the message; one answer comes for each recipient, in their order (RFC 2033, 4.2)."""
    code, text = lmtp.docmd("DATA")
    if code != 354:  # noqa: PLR2004 - "go ahead"
        outcomes.update(dict.fromkeys(outcomes, _outcome(code, text)))
        return
    lines = _DOT.sub(b"..", _EOL.sub(b"\r\n", content))
    lmtp.send(lines if lines.endswith(b"\r\n") else lines + b"\r\n")
    lmtp.send(b".\r\n")
    for name in outcomes:
        outcomes[name] = _outcome(*lmtp.getreply())


def _outcome(code: int, text: bytes) -> Outcome:
    return Outcome(code, text.decode("utf-8", "replace"))
