"""What can keep the private mail server from starting, each said in one line."""

from __future__ import annotations


class MailServerError(Exception):
    """The private mail server cannot start; `text` is the one line that says why."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class DovecotMissing(MailServerError):  # noqa: N818 - said as what is found out
    """Dovecot is not installed, or not in a version that the private one can be."""


class PlacesError(MailServerError):
    """There is no suitable folder or user for the mail."""
