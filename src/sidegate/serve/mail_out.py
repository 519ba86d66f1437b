"""How messages to owners leave this installation."""

from __future__ import annotations

from sidegate.config import Config
from sidegate.decisions.ports import MailSender
from sidegate.mailserver.lmtp import LmtpSender
from sidegate.mailserver.places import Places
from sidegate.senders.mail import SmtpSender


def mail_sender(config: Config, places: Places | None) -> MailSender | None:
    """The named server, else the private Dovecot; `None` where there is neither."""
    relay, notices = config.mail_relay, config.notices
    if relay is not None:
        return SmtpSender(
            relay, sender=config.from_address, user=notices.user, password=notices.password
        )
    return LmtpSender(places.base / "lmtp") if places is not None else None
