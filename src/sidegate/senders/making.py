"""From the configuration to gateways that can be used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from sidegate.config import Config
from sidegate.config.gateways import (
    SCREEN,
    Android,
    Apprise,
    Exec,
    Gammu,
    GatewayOptions,
    Http,
    Kannel,
    Sip,
    Smpp,
    Twilio,
)
from sidegate.senders.android import AndroidGateway
from sidegate.senders.apprise import AppriseGateway
from sidegate.senders.exec import ExecGateway
from sidegate.senders.gammu import GammuGateway
from sidegate.senders.gateway import Delivery, Gateway, Receipt
from sidegate.senders.http_template import HttpGateway
from sidegate.senders.kannel import KannelGateway
from sidegate.senders.sip import SipGateway
from sidegate.senders.smpp import SmppGateway
from sidegate.senders.twilio import TwilioGateway

CALLS = "calls"

Maker = Callable[[str, Any, Receipt], Gateway]
"""Makes a gateway from its name, its options and where to tell of deliveries."""


def _apprise(name: str, options: Apprise, _receipt: Receipt) -> Gateway:
    return AppriseGateway(name, options)


def _exec(name: str, options: Exec, _receipt: Receipt) -> Gateway:
    return ExecGateway(name, options)


def _http(name: str, options: Http, _receipt: Receipt) -> Gateway:
    return HttpGateway(name, options)


def _kannel(name: str, options: Kannel, _receipt: Receipt) -> Gateway:
    return KannelGateway(name, options)


_MAKERS: Mapping[type[GatewayOptions], Maker] = MappingProxyType(
    {
        Android: AndroidGateway,
        Apprise: _apprise,
        Exec: _exec,
        Gammu: GammuGateway,
        Http: _http,
        Kannel: _kannel,
        Smpp: SmppGateway,
        Twilio: TwilioGateway,
    }
)


def make_gateways(
    config: Config, *, screen: Gateway, receipt: Callable[[str, str, Delivery], None]
) -> dict[str, Gateway]:
    """Every gateway that `[codes]` names, by its name; to be closed by whoever asked.

    `receipt` is told name, reference and what became of a message.
    """
    # What calls need for their time lies in the data folder: nobody else looks into it.
    makers: dict[type[GatewayOptions], Maker] = {
        **_MAKERS,
        Sip: partial(SipGateway, folder=config.data / CALLS),
    }
    made: dict[str, Gateway] = {}
    for name in dict.fromkeys((*config.codes.sms, *config.codes.voice)):
        if name == SCREEN:
            made[name] = screen
            continue
        options = config.gateways[name]
        made[name] = makers[type(options)](name, options, partial(receipt, name))
    return made
