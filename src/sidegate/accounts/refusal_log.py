"""One stable line in the log for each refused sign-in, for programs that ban addresses."""

from __future__ import annotations

import ipaddress
import logging

from sidegate.decisions.names import canonical_name
from sidegate.decisions.words import Reason

log = logging.getLogger("sidegate.refused")

_NONE = "-"


def tell(*, address: str, protocol: str, guess: bool, reason: Reason, account: str) -> None:
    """Write the line; `account` is the canonical name of one that is there, or empty.

    `guess`: a secret that was not tried within 24 hours, from a network that is not the
    account's own. Nothing in the line is what somebody typed: the address is one or is
    left out, and a name that is no canonical one is too.
    """
    log.info(
        "address=%s protocol=%s guess=%s reason=%s account=%s",
        _address(address),
        protocol,
        "yes" if guess else "no",
        reason.value,
        account if account and canonical_name(account) == account else _NONE,
    )


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return _NONE
