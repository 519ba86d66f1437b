"""What foreign text has to become before it stands in a reply, a log line or an event."""

from __future__ import annotations


def one_line(text: str, limit: int) -> str:
    """The text's printable characters on one line, at most `limit` of them.

    A reason reaches the mail program as it is: a CR or LF in it would split the
    server's reply in two.
    """
    if len(text) <= limit and text.isprintable():
        return text
    printable = "".join(ch if ch.isprintable() else " " for ch in text[: limit * 2])
    return " ".join(printable.split())[:limit]
