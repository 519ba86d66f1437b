"""Where Sidegate's sockets are for each server: as configured, as asked for, or as proposed."""

from __future__ import annotations

import grp
import json
import pwd
from dataclasses import dataclass
from pathlib import Path

from sidegate.config import Config, Endpoint, TcpEndpoint, UnixEndpoint
from sidegate.config.options import Listen

RUN = Path("/run/sidegate")
MASTER = RUN / "auth-master"


@dataclass(frozen=True, slots=True)
class Sidegate:
    """What a plan needs to know of the installation; it may not be there yet."""

    config: Config
    user: str
    """Whom Sidegate runs as."""

    @property
    def master(self) -> Path:
        """The master socket: the configured one, or the proposed."""
        told = self.config.listen.dovecot_master
        endpoint = self.config.endpoint(told)
        if told == Listen().dovecot_master or not isinstance(endpoint, UnixEndpoint):
            return MASTER
        return endpoint.path

    def below(self, folder: Path) -> Path | None:
        """A configured client socket below a folder."""
        for endpoint in self._endpoints():
            if isinstance(endpoint, UnixEndpoint) and endpoint.path.is_relative_to(folder):
                return endpoint.path
        return None

    def tcp(self) -> TcpEndpoint | None:
        """A configured client port."""
        return next((one for one in self._endpoints() if isinstance(one, TcpEndpoint)), None)

    def client_line(self, wanted: Endpoint, *, private: bool) -> str:
        """`dovecot_client` with what is wanted, and what is there but for the private Dovecot."""
        kept = [
            text
            for text in self.config.listen.dovecot_client
            if (private or text not in Listen().dovecot_client)
            and self.config.endpoint(text) != wanted
        ]
        return f"dovecot_client = {json.dumps([*kept, str(wanted)], ensure_ascii=False)}"

    def _endpoints(self) -> list[Endpoint]:
        found = (self.config.endpoint(text) for text in self.config.listen.dovecot_client)
        return [one for one in found if one is not None]


def whose(config: Config) -> str:
    """Whom Sidegate runs as: the owner of its data folder; root where there is none yet."""
    try:
        return pwd.getpwuid(config.data.stat().st_uid).pw_name
    except (OSError, KeyError):
        return "root"


def group_of(user: str) -> str:
    """A user's group; where the user is not there, by Debian's custom one of the same name."""
    try:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    except KeyError:
        return user
