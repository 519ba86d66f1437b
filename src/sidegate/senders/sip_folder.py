"""The folder of one call: all that baresip reads, password and speech among it.

Whoever made it holds a lock on it (flock) for as long as the call lasts, so what a killed
process left is known at once: nobody holds it.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sidegate.config.gateways import Sip
from sidegate.senders.sip_route import Route
from sidegate.senders.speech import RATE, Speech

log = logging.getLogger(__name__)

LONGEST = 180
"""Seconds after which baresip ends by itself, whoever still lives."""
_MODULES = Path("/usr/lib/baresip/modules")
_CONFIG = """
poll_method epoll
sip_listen {address}:0
net_interface {address}
call_max_calls 1
call_local_timeout {longest}
audio_source aufile,{folder}/whole.wav
audio_player aubridge,heard
audio_alert aubridge,alert
ausrc_srate {rate}
ausrc_channels 1
auplay_channels 1
statmode_default off
module_path {modules}
module stdio.so
module g711.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
"""
_ACCOUNT = (
    '<sip:{caller}@{host}>;outbound="sip:{address}:{port};transport={transport}"'
    ";regint={registered};answermode=manual;audio_codecs=PCMA,PCMU"
)


@contextmanager
def call_folder(parent: Path) -> Iterator[Path]:
    """Make a new one, held and deleted on leaving."""
    parent.mkdir(mode=0o700, exist_ok=True)
    with _locked(parent):
        folder = Path(tempfile.mkdtemp(dir=parent))
        held = _lock(folder, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def clear(parent: Path) -> None:
    """Delete what killed processes left; a call that is under way keeps its folder."""
    try:
        with _locked(parent):
            for old in parent.iterdir():
                _clear_one(old)
    except FileNotFoundError:
        return  # nobody was ever called
    except OSError as error:
        log.warning("%s cannot be cleared: %s", parent, error.strerror)


def furnish(folder: Path, options: Sip, route: Route, speech: Speech | None) -> None:
    """Write all that baresip reads."""
    values = {"folder": folder, "longest": LONGEST, "rate": RATE, "modules": _MODULES}
    (folder / "config").write_text(_CONFIG.format(address=route.ours, **values))
    (folder / "accounts").write_text(_account(options, route) + "\n")
    (folder / "contacts").write_text("")
    if speech is not None:
        _write_wav(folder / "whole.wav", speech.whole)
        _write_wav(folder / "again.wav", speech.again)


def _account(options: Sip, route: Route) -> str:
    account = _ACCOUNT.format(
        caller=options.caller or options.username,
        host=route.host,
        address=route.address,
        port=route.port,
        transport=options.transport,
        registered=60 if options.username else 0,
    )
    if options.username:
        account += f";auth_user={options.username};auth_pass={options.password}"
    return account


def _write_wav(path: Path, samples: bytes) -> None:
    with wave.open(str(path), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(RATE)
        written.writeframes(samples)


def _clear_one(old: Path) -> None:
    with contextlib.suppress(OSError):  # held, another user's, or no folder of a call
        held = _lock(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(old, ignore_errors=True)
        os.close(held)


@contextmanager
def _locked(parent: Path) -> Iterator[None]:
    """Keep others from making and clearing meanwhile."""
    held = _lock(parent, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(held)


def _lock(folder: Path, how: int) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
