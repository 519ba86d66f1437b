"""What an installation offers to mail programs: the same to whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sidegate.config import ClientServer, Config


class Offer(NamedTuple):
    """The servers, and where an owner makes an app password for a mail program."""

    name: str
    """What the service is called."""
    app_passwords: str
    """The web address of that page."""
    servers: Sequence[ClientServer]

    @property
    def reading(self) -> list[ClientServer]:
        """Those that mail is read from, the best first."""
        return [server for server in self.servers if server.protocol != "submission"]

    @property
    def sending(self) -> list[ClientServer]:
        """Those that mail is sent by."""
        return [server for server in self.servers if server.protocol == "submission"]

    @property
    def is_whole(self) -> bool:
        """Mail can be read and sent: less is no account to a mail program."""
        return bool(self.reading and self.sending)


def offer_of(config: Config) -> Offer:
    """What the configuration says."""
    return Offer(config.server.name, config.app_passwords_url, config.client_settings())
