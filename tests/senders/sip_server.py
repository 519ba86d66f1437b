"""A real SIP server (Kamailio) on loopback, and phones (baresip) that are registered there.

The number decides what a call meets: a phone that is registered; or the status that its last
three digits say, such as 486 (busy), as a provider answers for the network behind it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from child import free_ports
from peers import require

USERNAME = "sidegate"
PASSWORD = "zebra-sip-1"
PHONE = "+37120000007"
BUSY = "+37120000486"
OVER = "session closed|terminated"
"""What a phone prints at the end of a call."""
PATIENCE = 20.0

_SERVER = """#!KAMAILIO
debug=1
log_stderror=yes
fork=no
children=2
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
request_route {{
    if (is_method("REGISTER")) {{
        if ($tU == "{username}" && !pv_www_authenticate("$fd", "{password}", "0")) {{
            www_challenge("$fd", "0");
            exit;
        }}
        save("location", "0x04");  # alone: a phone that was killed is rung no more
        exit;
    }}
    if (is_method("OPTIONS")) {{ sl_send_reply("200", "OK"); exit; }}
    if (has_totag()) {{ loose_route(); t_relay(); exit; }}
    remove_hf("Route");
    if (is_method("INVITE")) {{
        if ($fU == "{username}" && !pv_proxy_authenticate("$fd", "{password}", "0")) {{
            proxy_challenge("$fd", "0");
            exit;
        }}
        record_route();
    }}
{statuses}    if (!lookup("location")) {{ sl_send_reply("404", "Not Found"); exit; }}
    t_relay();
}}
"""
_STATUS = '    if ($rU =~ "0{0}$") {{ sl_send_reply("{0}", "Said"); exit; }}\n'
_STATUSES = (402, 403, 404, 480, 486, 500, 503, 600, 603)
_PHONE = """
poll_method epoll
sip_listen 127.0.0.1:0
net_interface 127.0.0.1
audio_source aufile,{folder}/nothing.wav
audio_player aubridge,heard
audio_alert aubridge,alert
ausrc_srate 8000
ausrc_channels 1
auplay_channels 1
statmode_default off
snd_path {folder}
module_path /usr/lib/baresip/modules
module stdio.so
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
"""
_ACCOUNT = (
    '<sip:{number}@127.0.0.1>;auth_pass=none;outbound="sip:127.0.0.1:{port};transport=udp"'
    ";regint=60;answermode={answer}\n"
)
_QUIET = 120
"""Seconds; a phone that has nothing more to say hangs up."""


@dataclass
class Phone:
    """A registered one."""

    folder: Path
    process: subprocess.Popen[bytes]

    def press(self, key: str) -> None:
        """Press a key of it; "b" hangs up."""
        assert self.process.stdin is not None
        self.process.stdin.write(key.encode())
        self.process.stdin.flush()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def wait_for(self, words: str, *, call: int = 0, patience: float = PATIENCE) -> None:
        """Wait until it prints them; since the call with this number began, where one is said."""
        deadline = time.monotonic() + patience
        begun = "Call established"
        while not re.search(words, begun.join(self.log().split(begun)[call:])):
            assert time.monotonic() < deadline, f"the phone never said {words}"
            time.sleep(0.05)

    def recording(self, call: int = 1) -> Path:
        """What was heard in a call, once it is over; the first is 1."""
        self.wait_for(OVER, call=call, patience=60)
        time.sleep(0.3)  # it closes the file after that line
        return sorted(self.folder.glob("dump-*-dec.wav"))[call - 1]


@contextmanager
def running_sip_server(folder: Path) -> Iterator[int]:
    """Start Kamailio; gives its port."""
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    file = folder / "kamailio.cfg"
    statuses = "".join(map(_STATUS.format, _STATUSES))
    values = {"port": port, "username": USERNAME, "password": PASSWORD, "statuses": statuses}
    file.write_text(_SERVER.format(**values))
    words = [str(require("kamailio")), "-f", str(file), "-DD", "-E", "-Y", str(folder), "-m", "32"]
    with (folder / "kamailio.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder)
    try:
        _until_listening(folder / "kamailio.log", process)
        yield port
    finally:
        process.terminate()  # it ends its own children
        process.wait(PATIENCE)


@contextmanager
def running_phone(folder: Path, port: int, *, answers: bool = True) -> Iterator[Phone]:
    """A phone that takes each call and records what it hears; or rings on."""
    folder.mkdir(parents=True)
    (folder / "config").write_text(_PHONE.format(folder=folder))
    answer = "auto" if answers else "manual"
    (folder / "accounts").write_text(_ACCOUNT.format(number=PHONE, port=port, answer=answer))
    (folder / "contacts").write_text("")
    with wave.open(str(folder / "nothing.wav"), "wb") as silence:
        silence.setnchannels(1)
        silence.setsampwidth(2)
        silence.setframerate(8000)
        silence.writeframes(bytes(2 * 8000 * _QUIET))
    words = [str(require("baresip")), "-f", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=log, stderr=log)
    phone = Phone(folder, process)
    try:
        phone.wait_for("1 binding|200 OK")
        yield phone
    finally:
        process.kill()
        process.wait(PATIENCE)
        if process.stdin is not None:
            process.stdin.close()
        shutil.rmtree(folder, ignore_errors=True)


def _until_listening(log: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while "Aliases" not in log.read_text(errors="replace"):
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline, "Kamailio is not ready"
        time.sleep(0.05)
