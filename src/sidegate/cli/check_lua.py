"""`sidegate check`: whether the directory asks Sidegate in its turn, by its Lua passdb."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator

from sidegate.cli.findings import Finding, ok, problem
from sidegate.config import Config, TcpEndpoint
from sidegate.storage.keys import HTTP_TOKEN

_PATIENCE = 3.0
_MOST = 1_000_000
_UNKNOWN = re.compile(
    r'^sidegate_sign_ins_total\{door="(json|lua)",[^}]*reason="unknown-account"[^}]*\} ([0-9]+)',
    re.MULTILINE,
)


class AsksBack:
    """Counts the HTTP door's questions before and after the directory was asked about nobody."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._before = self._counts()

    def findings(self) -> Iterator[Finding]:
        """What came back meanwhile; nothing where that cannot be seen, or nothing came."""
        after = self._counts()
        if self._before is None or after is None:
            return
        if after["json"] > self._before["json"]:
            yield problem(
                _WHAT,
                "your directory asks Sidegate, which asks your directory: its script does not "
                "know that it is the directory",
                "save the script that sidegate connect lua prints now, and reload Dovecot",
            )
        elif after["lua"] > self._before["lua"]:
            yield ok(_WHAT, "your directory asks Sidegate by its Lua script, and is not asked back")

    def _counts(self) -> dict[str, int] | None:
        """Refused unknown logins by door; `None` where the door does not tell."""
        endpoint = self._config.endpoint(self._config.listen.http)
        if not isinstance(endpoint, TcpEndpoint):
            return None
        connection = http.client.HTTPConnection(*endpoint, timeout=_PATIENCE)
        try:
            token = (self._config.keys_folder / HTTP_TOKEN).read_text(encoding="ascii").strip()
            connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            told = answer.read(_MOST).decode() if answer.status == http.client.OK else None
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        if told is None:
            return None
        found = {"json": 0, "lua": 0}
        for door, count in _UNKNOWN.findall(told):
            found[door] += int(count)
        return found


_WHAT = "directory, by Lua"
