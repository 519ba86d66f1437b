"""Which database, and how Django opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SQLITE_FILE = "sidegate.sqlite3"
_BUSY_SECONDS = 5
_MMAP_BYTES = 1 << 30
# 32 MB of log (SQLite's own: 4): each checkpoint grows the file, and who reads maps it anew.
_CHECKPOINT_PAGES = 8000
_CONNECT_SECONDS = 3
_STATEMENT_MILLISECONDS = 5000


def database_settings(*, url: str, data: Path) -> dict[str, Any]:
    """Django's settings of the one database: SQLite in the data folder, or PostgreSQL."""
    if not url:
        return _sqlite(data / SQLITE_FILE)
    return _postgresql(url)


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "timeout": _BUSY_SECONDS,
            # A transaction that will write takes its lock first: no upgrade can fail midway.
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA mmap_size={_MMAP_BYTES};"
            f" PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES};",
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or unquote(parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        # What the pool kept through an outage is dead: nobody should be given it.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": _CONNECT_SECONDS,
            "options": f"-c statement_timeout={_STATEMENT_MILLISECONDS}",
            "pool": {
                "min_size": 0,
                "max_size": 12,
                "timeout": _CONNECT_SECONDS,
                # Its pauses double: without this an outage would last twice as long for us.
                "reconnect_timeout": _CONNECT_SECONDS,
            },
            **query,
        },
    }
