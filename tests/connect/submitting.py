"""Signing in to a submission port, with STARTTLS, from an address of one's own."""

from __future__ import annotations

import smtplib
import ssl
from pathlib import Path

from clients.ways import Outcome, as_text, authenticate

CLIENT = "127.0.0.9"
"""Where the mail programs of these tests come from."""
NO_ANSWER = -1


def submit(
    authority: Path,
    port: int,
    login: str,
    secret: str,
    *,
    source: str = CLIENT,
    mechanism: str = "PLAIN",
) -> Outcome:
    """One sign-in; a server that answers nothing has the status `NO_ANSWER`."""
    trusted = ssl.create_default_context(cafile=str(authority))
    try:
        with smtplib.SMTP(
            "localhost", port, timeout=90, source_address=(source, 0), local_hostname="x"
        ) as client:
            client.starttls(context=trusted)
            authenticate(client, login, secret, mechanism)
    except smtplib.SMTPAuthenticationError as error:
        text = f"{error.smtp_code} {as_text(error.smtp_error)}"
        return Outcome(allowed=False, said=text, status=error.smtp_code)
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        return Outcome(allowed=False, said=str(error), status=NO_ANSWER)
    return Outcome(allowed=True)
