"""Why Dovecot's Lua script does not reach Sidegate, in plain words."""

from __future__ import annotations

import http.client

from sidegate.config import TcpEndpoint
from sidegate.connect.lua import Lua

_PATIENCE = 3.0


def door_trouble(lua: Lua) -> str:
    """What keeps the script from asking; empty where nothing is seen."""
    door = lua.door
    if door is None:
        return "[listen] http is no port, and Dovecot's Lua asks at nothing else"
    file = lua.token_file
    try:
        token = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        return f"{file}: {error.strerror or error}"
    try:
        status = _ask(door, token)
    except (OSError, http.client.HTTPException, ValueError) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        return f"nobody answers at {door}: {said}"
    if status == http.client.UNAUTHORIZED:
        return f"{file} holds another token than Sidegate's: write it again, and reload Dovecot"
    if status != http.client.OK:
        return f"{door} answers {status}: is it Sidegate?"
    return "" if lua.script_is_current() else f"{lua.script_file} is not the one printed now"


def _ask(door: TcpEndpoint, token: str) -> int:
    connection = http.client.HTTPConnection(door.host, door.port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/openapi.json", headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()
