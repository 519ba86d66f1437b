"""A gateway of the operator's, for `exec`: a stand-in that records what it sends.

Argument: a folder. A message whose number ends in a digit that `hold-before` holds waits
before it is sent, one in `hold-after` afterwards; whose Sidegate was killed gives up.
"""

import os
import sys
import time
from pathlib import Path

FOLDER = Path(sys.argv[1])
PARENT = os.getppid()
NUMBER = os.environ["SIDEGATE_NUMBER"]


def note(what: str) -> None:
    line = f"{what} {os.environ['SIDEGATE_MESSAGE']} {NUMBER} {text.split()[0]}\n"
    file = os.open(FOLDER / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(file, line.encode())
    os.close(file)


def hold(name: str) -> None:
    while (FOLDER / name).exists() and NUMBER[-1] in (FOLDER / name).read_text():
        time.sleep(0.02)
    if os.getppid() != PARENT:
        raise SystemExit(1)


text = sys.stdin.read()
note("began")
hold("hold-before")
note("sent")
hold("hold-after")
