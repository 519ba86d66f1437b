"""The gateways of an installation, and what sends codes through them."""

from __future__ import annotations

import sys

from sidegate.accounts.code_orders import KIND
from sidegate.accounts.code_sending import CodeSending
from sidegate.accounts.context import Context
from sidegate.senders import sip_folder
from sidegate.senders.making import CALLS, make_gateways
from sidegate.senders.screen import ScreenGateway
from sidegate.storage.background import Background


def code_sending(ctx: Context, background: Background, *, kind: str = KIND) -> CodeSending:
    """Make all that `[codes]` names; on the event loop that will use it, and closes it."""
    sip_folder.clear(ctx.config.data / CALLS)
    terminal = sys.stdout if sys.stdout.isatty() else None
    screen = ScreenGateway(data=ctx.config.data, terminal=terminal, now=ctx.now)
    return CodeSending(
        ctx,
        gateways=lambda receipt: make_gateways(ctx.config, screen=screen, receipt=receipt),
        background=background,
        kind=kind,
    )
