"""How a command is given a secret: on standard input or typed unseen, never as an argument."""

from __future__ import annotations

import getpass
import sys

from sidegate.cli.errors import USAGE, Failure

_LONGEST = 4096


def first_line_of_stdin(what: str) -> str:
    """The first line of standard input without its line end."""
    raw = sys.stdin.buffer.readline(_LONGEST + 1)
    try:
        line = raw.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Failure(f"the {what} on standard input is not UTF-8", status=USAGE) from None
    if not line or len(raw) > _LONGEST:
        raise Failure(f"standard input must hold the {what} as its first line", status=USAGE)
    return line


def new_password(*, from_stdin: bool) -> str:
    """A new password: from standard input, or asked for twice without echo."""
    if from_stdin:
        return first_line_of_stdin("password")
    if not sys.stdin.isatty():
        raise Failure(
            "there is no terminal to ask on: give the password on standard input "
            "with --password-stdin",
            status=USAGE,
        )
    first = getpass.getpass("New password: ")
    if getpass.getpass("The same again: ") != first:
        raise Failure("the two passwords differ; nothing was changed")
    return first
