"""`sidegate serve`: from the configuration to a process that runs until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
import threading

import uvloop

from sidegate.accounts import first_password
from sidegate.accounts.context import Context
from sidegate.config import Config
from sidegate.doors.dovecot import CannotListen
from sidegate.mailserver.errors import MailServerError
from sidegate.mailserver.places import Places, find_places
from sidegate.serve.certificate import CertificateFiles, self_signed
from sidegate.serve.first_start import first_account, tell
from sidegate.serve.house import PARTS, House, Plan
from sidegate.serve.log_lines import LogLine
from sidegate.storage import schema
from sidegate.storage.outages import failures

log = logging.getLogger(__name__)

_COLLECT_AFTER = 20_000
"""Objects more than before, after which the collector looks at the newest (Python: 700)."""

READY = "Sidegate is ready."
STOP_SECONDS = 4.5
"""After which we end, whatever is still under way."""


def run(context: Context, only: frozenset[str]) -> int:
    """Run the parts named, or all; returns the exit status."""
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    # At DEBUG it logs whole pages' values, a new app password among them.
    logging.getLogger("django.template").setLevel(logging.INFO)
    logging.getLogger("django.security.DisallowedHost").addFilter(_one_line)
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(LogLine())
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    config = context.config
    try:
        schema.migrate()
        # Changed where the file is not: on another host, or while this one was down.
        first_password.forget(config.data)
        places = _places(config)
        password = first_account(context) if places is not None else None
        plan = Plan(context, only or PARTS, places, _certificate(config, context.now()))
        tell(config, places=places, password=password, out=sys.stdout)
        return uvloop.run(_until_told(plan))
    except (CannotListen, MailServerError, OSError) as problem:
        return _failed(str(problem))
    except failures() as problem:
        return _failed(f"the database cannot be used: {problem}")


def _one_line(record: logging.LogRecord) -> bool:
    """Anybody may send a strange Host: no traceback for each."""
    record.exc_info = None
    return True


def _end_at_latest() -> None:
    """A frozen database must not keep us: Dovecot ends with us by itself."""
    timer = threading.Timer(STOP_SECONDS, _give_up)
    timer.daemon = True
    timer.start()


def _give_up() -> None:
    log.error("not everything could be ended in time")
    logging.shutdown()
    os._exit(1)


def _failed(text: str) -> int:
    sys.stderr.write(f"sidegate: {text}\n")
    return 1


async def _until_told(plan: Plan) -> int:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, told.set)
    house = House(plan)
    async with house.running():
        _collect_seldom()
        sys.stdout.write(READY + "\n")
        sys.stdout.flush()
        ends = [asyncio.ensure_future(event.wait()) for event in (told, house.http_failed)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        _end_at_latest()
        if not told.is_set():
            log.error("an HTTP server ended by itself")
            return 1
    return 0


def _collect_seldom() -> None:
    """Keep the cyclic garbage collector from what lives as long as the process.

    A sign-in makes no cycles, and hundreds of thousands of events and stamps may wait
    to be written: looking through them again and again took a fifth of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 50)


def _places(config: Config) -> Places | None:
    return find_places(config.data, config.mailserver.user) if config.mailserver.private else None


def _certificate(config: Config, now: int) -> CertificateFiles:
    if config.certificate is not None and config.certificate_key is not None:
        return CertificateFiles(config.certificate, config.certificate_key)
    hosts = [config.portal_host, *(server.host for server in config.client_settings())]
    known = list(dict.fromkeys([*filter(None, hosts), "localhost", "127.0.0.1", "::1"]))
    return self_signed(config.data / "tls", hosts=known, now=now)
